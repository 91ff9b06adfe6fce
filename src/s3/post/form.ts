import type { Body } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { S3Error } from '../errors.js';
import type { Payload } from '../operation.js';
import { type ByteReader, createByteReader } from './byte-reader.js';

/** An HTML form with a file (RFC 7578), as S3 takes it: S3 API reference, "POST Object", "Form fields". */
export interface PostForm {
  /** By lower-case name; the first of a repeated name wins. What comes behind the file is not looked at. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: PostFile;
}

interface PostFile {
  /** As the browser names it, without folders; '' where it does not. */
  readonly filename: string;
  readonly size_bytes: number;
  readonly body: Body;
}

const BOUNDARY = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const CRLF = Buffer.from('\r\n');
const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** Reads the fields and stops where the file's bytes begin. MalformedPOSTRequest for what is no such form. */
export async function readPostForm(contentType: string | undefined, payload: Payload): Promise<PostForm> {
  const match = BOUNDARY.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw malformed();
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const reader = createByteReader(payload.stream());
  // Like all others, the first delimiter follows a line break, if only the one that is imagined here.
  reader.unshift(CRLF);
  if ((await reader.readUntil(delimiter, LIMITS.post_fields_bytes_max)) === undefined) throw malformed();
  const fields = new Map<string, string>();
  for (;;) {
    const head = await readPartHead(reader);
    if (head.name === 'file') {
      const file = await openFile(reader, delimiter, head.filename, payload.size_bytes + CRLF.length);
      return { fields, file };
    }
    const value = await reader.readUntil(delimiter, LIMITS.post_fields_bytes_max - reader.consumed());
    if (value === undefined) throw tooMuch(reader);
    if (!fields.has(head.name)) fields.set(head.name, value.toString('utf8'));
  }
}

interface PartHead {
  readonly name: string;
  readonly filename: string;
}

async function readPartHead(reader: ByteReader): Promise<PartHead> {
  const head = await reader.readUntil(END_OF_HEAD, LIMITS.post_fields_bytes_max - reader.consumed());
  if (head === undefined) {
    if (reader.consumed() >= LIMITS.post_fields_bytes_max) throw tooMuch(reader);
    throw new S3Error('InvalidArgument', {
      message: 'POST requires exactly one file upload per request.',
      fields: { ArgumentName: 'file', ArgumentValue: 0 },
    });
  }
  const disposition = head
    .toString('utf8')
    .split('\r\n')
    .find((line) => line.toLowerCase().startsWith('content-disposition:'));
  const name = parameter(disposition, 'name');
  if (name === undefined) throw malformed();
  return { name: name.toLowerCase(), filename: baseName(parameter(disposition, 'filename') ?? '') };
}

/** A quoted parameter of Content-Disposition; browsers write a quote inside as `%22` or with a backslash. */
function parameter(disposition: string | undefined, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(disposition ?? '');
  return match?.[1]?.replaceAll(/\\(.)/g, '$1');
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/**
 * The length of the file is known beforehand only when it is the last field, as S3 wants it: what remains of the request
 * less the closing delimiter. A small form is read to the end instead, and may go on behind the file.
 */
async function openFile(
  reader: ByteReader,
  delimiter: Buffer,
  filename: string,
  total_bytes: number,
): Promise<PostFile> {
  if (total_bytes <= LIMITS.post_whole_bytes_max) {
    const bytes = await reader.readUntil(delimiter, LIMITS.post_whole_bytes_max);
    if (bytes === undefined) throw malformed();
    return { filename, size_bytes: bytes.length, body: bytes };
  }
  const size_bytes = total_bytes - reader.consumed() - delimiter.length - '--\r\n'.length;
  if (size_bytes < 0) throw malformed();
  return { filename, size_bytes, body: fileBytes(reader, delimiter, size_bytes) };
}

async function* fileBytes(reader: ByteReader, delimiter: Buffer, size_bytes: number) {
  let sent_bytes = 0;
  for await (const chunk of reader.chunksUntil(delimiter)) {
    sent_bytes += chunk.length;
    if (sent_bytes > size_bytes) throw malformed();
    yield chunk;
  }
  if (sent_bytes !== size_bytes) throw malformed();
}

function tooMuch(reader: ByteReader): S3Error {
  return reader.consumed() >= LIMITS.post_fields_bytes_max
    ? new S3Error('MaxPostPreDataLengthExceeded')
    : malformed();
}

function malformed(): S3Error {
  return new S3Error('MalformedPOSTRequest');
}
