import { createHash } from 'node:crypto';
import { LIMITS } from '../../../config/limits.js';
import { CHECKSUM_ALGORITHMS, checksumOf } from '../../../src/wire/checksums.js';
import { children, childText, type XmlElement } from '../../../src/wire/xml.js';
import type { ChecksumAlgorithm } from '../../contract/index.js';
import { prepareBody } from '../outgoing.js';
import {
  beginUpload,
  completeRequest,
  documentOf,
  ensure,
  etagOf,
  headerOf,
  type NamedPart,
  partRequest,
} from './calls.js';
import { expectContent, expectRefusal, type Probing, put } from './probing.js';

const headerName = (algorithm: ChecksumAlgorithm) => `x-amz-checksum-${algorithm.toLowerCase()}`;
const sumOf = (algorithm: ChecksumAlgorithm, content: string | Uint8Array) =>
  checksumOf(algorithm, Buffer.from(content)).toString('base64');

export async function probeChecksums(probing: Probing): Promise<void> {
  await probing.observe('habits.md5_etags', async () => {
    const answer = await put(probing, probing.bucket, 'md5', 'content');
    ensure(
      etagOf(answer) === createHash('md5').update('content').digest('hex'),
      'an ETag is not the MD5 of the content',
    );
    return true;
  });
  const known: ChecksumAlgorithm[] = [];
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const found = await probing.observe(`checksums.${algorithm}`, () => checksum(probing, algorithm));
    if (found === true) known.push(algorithm);
  }
  if (probing.seen.get('multipart')?.observed !== true) return;
  // The adapter begins its uploads with CRC64NVME where it can.
  const algorithm = known.includes('CRC64NVME') ? 'CRC64NVME' : known[0];
  await partsOfObjects(probing, algorithm);
  if (algorithm === undefined) return;
  await probing.observe('habits.copies_parts_with_checksum', () => copiedPart(probing, algorithm));
}

/** Kept and shown when it is right, refused when it is wrong; as a header, and behind a body in frames. */
async function checksum(probing: Probing, algorithm: ChecksumAlgorithm): Promise<boolean> {
  const { bucket } = probing;
  const name = headerName(algorithm);
  const key = `checksum-${algorithm}`;
  const wrong = { [name]: sumOf(algorithm, 'other') };
  const body = Buffer.from('content');
  await expectRefusal(probing, { method: 'PUT', bucket, key, body, headers: wrong }, 'a wrong checksum');
  await put(probing, bucket, key, 'content', { [name]: sumOf(algorithm, 'content') });
  await expectShown(probing, key, name, sumOf(algorithm, 'content'));
  const large = Buffer.alloc(LIMITS.upstream_whole_body_bytes_max + 1, 'trailer');
  await sendFramed(probing, algorithm, key, large);
  await expectShown(probing, key, name, sumOf(algorithm, large));
  return true;
}

async function expectShown(
  { calls, bucket }: Probing,
  key: string,
  name: string,
  value: string,
): Promise<void> {
  const headers = { 'x-amz-checksum-mode': 'ENABLED' };
  const head = await calls.must({ method: 'HEAD', bucket, key, headers });
  ensure(headerOf(head, name) === value, 'the checksum is not shown');
}

async function sendFramed(
  { calls, bucket }: Probing,
  algorithm: ChecksumAlgorithm,
  key: string,
  content: Buffer,
): Promise<void> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield content;
  }
  const { headers, body, payload_hash } = await prepareBody({
    body: stream(),
    size_bytes: content.length,
    algorithm,
    stall_ms: LIMITS.upstream_body_timeout_ms,
    stalled: () => undefined,
  });
  await calls.must({ method: 'PUT', bucket, key, headers, body, payload_hash });
}

const CONTENT = 'a part with a checksum';

interface ChecksumUpload {
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly key: string;
}

async function beginWith({ calls, bucket }: Probing, { algorithm, key }: ChecksumUpload) {
  const type = algorithm?.startsWith('CRC') ? 'FULL_OBJECT' : 'COMPOSITE';
  const headers =
    algorithm === undefined ? {} : { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type };
  return beginUpload(calls, bucket, key, headers);
}

const PARTS_KEY = 'parts-of-object';
/** S3 wants all parts but the last to have a size. */
const PARTS = [Buffer.alloc(LIMITS.part_bytes_min, 'first'), Buffer.from(CONTENT)] as const;

/** Of an object that was uploaded in parts: whether the parts and their checksums are told. */
async function partsOfObjects(probing: Probing, algorithm: ChecksumAlgorithm | undefined): Promise<void> {
  let told: string | undefined;
  const tells = await probing.observe('habits.tells_object_parts', async () => {
    await uploadInParts(probing, algorithm);
    const second = await secondPart(probing);
    told = second && algorithm && childText(second, `Checksum${algorithm}`);
    return second !== undefined && childText(second, 'Size') === String(CONTENT.length);
  });
  if (algorithm === undefined) return;
  await probing.observeDeparture('deviations.no_part_checksums', async () => {
    // Of a part, not of the whole, which some servers show for each.
    if (tells !== true) told = await headPartChecksum(probing, algorithm);
    ensure(told === sumOf(algorithm, CONTENT), 'the checksum of a part is not told');
  });
}

async function uploadInParts(probing: Probing, algorithm: ChecksumAlgorithm | undefined): Promise<void> {
  const { calls } = probing;
  const upload = await beginWith(probing, { algorithm, key: PARTS_KEY });
  const parts: NamedPart[] = [];
  for (const [index, content] of PARTS.entries()) {
    const sum = algorithm && sumOf(algorithm, content);
    const sent = algorithm && { [headerName(algorithm)]: sum };
    const etag = etagOf(await calls.must(partRequest(upload, index + 1, content, sent ?? {})));
    const named = sum && { checksum: [`Checksum${algorithm}`, sum] as const };
    parts.push({ part_number: index + 1, etag, ...named });
  }
  await calls.must(completeRequest(upload, parts));
}

async function secondPart({ calls, bucket }: Probing): Promise<XmlElement | undefined> {
  const headers = { 'x-amz-object-attributes': 'ObjectParts' };
  const answer = await calls.must({
    method: 'GET',
    bucket,
    key: PARTS_KEY,
    query: { attributes: '' },
    headers,
  });
  // Servers disagree about the name of the root, which the SDK does not look at.
  const root = /<(\w*GetObjectAttributes\w+)/i.exec(answer.text)?.[1] ?? '';
  const [parts] = children(documentOf(answer, root), 'ObjectParts');
  return parts && children(parts, 'Part')[1];
}

async function headPartChecksum({ calls, bucket }: Probing, algorithm: ChecksumAlgorithm) {
  const headers = { 'x-amz-checksum-mode': 'ENABLED' };
  const head = await calls.must({
    method: 'HEAD',
    bucket,
    key: PARTS_KEY,
    query: { partNumber: 2 },
    headers,
  });
  return headerOf(head, headerName(algorithm));
}

async function copiedPart(probing: Probing, algorithm: ChecksumAlgorithm): Promise<boolean> {
  const { bucket, calls } = probing;
  const [source, key] = ['copied-source', 'copied-with-checksum'];
  await put(probing, bucket, source, CONTENT);
  const upload = await beginWith(probing, { algorithm, key });
  const headers = { 'x-amz-copy-source': `/${bucket}/${source}`, 'x-amz-copy-source-range': 'bytes=2-8' };
  const answer = await calls.must(partRequest(upload, 1, undefined, headers));
  const result = documentOf(answer, 'CopyPartResult');
  const etag = (childText(result, 'ETag') ?? '').replaceAll('"', '');
  const member = `Checksum${algorithm}`;
  const value = childText(result, member);
  ensure(value === sumOf(algorithm, CONTENT.slice(2, 9)), 'UploadPartCopy computes no checksum');
  await calls.must(completeRequest(upload, [{ part_number: 1, etag, checksum: [member, value ?? ''] }]));
  await expectContent(probing, bucket, key, CONTENT.slice(2, 9));
  return true;
}
