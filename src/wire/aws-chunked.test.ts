import { describe, expect, it } from 'vitest';
import { AwsChunkedError, type ChunkedDecoderOptions, createChunkedDecoder } from './aws-chunked.js';
import { sha256Hex, signatureChain, signChunk, signingKey, signTrailer } from './sigv4.js';

const LIMITS = { chunk_header_bytes_max: 256, trailer_bytes_max: 1024 };
const SCOPE = {
  key: signingKey('secret', '20240101', 'us-east-1', 's3'),
  timestamp: '20240101T000000Z',
  scope: '20240101/us-east-1/s3/aws4_request',
};
const SEED = 'f'.repeat(64);
const CHECKSUM = 'x-amz-checksum-crc32:AAAAAA==';

/** The body that a client sends for these chunks; the last one has to be empty. */
function signedBody(chunks: readonly string[], trailer?: string): string {
  let previous = SEED;
  let body = '';
  for (const chunk of chunks) {
    previous = signChunk(SCOPE, previous, sha256Hex(chunk));
    body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}`;
    if (chunk !== '') body += '\r\n';
  }
  if (trailer === undefined) return `${body}\r\n`;
  const signature = signTrailer(SCOPE, previous, `${trailer}\n`);
  return `${body}${trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
}

function signed(size_bytes: number, trailer: boolean): ChunkedDecoderOptions {
  return { size_bytes, trailer, signatures: signatureChain({ ...SCOPE, seed: SEED }), ...LIMITS };
}

function unsigned(size_bytes: number): ChunkedDecoderOptions {
  return { size_bytes, trailer: true, ...LIMITS };
}

/** Feeds the pieces one after the other and gives what came out. */
function decode(options: ChunkedDecoderOptions, pieces: readonly Buffer[]) {
  const decoder = createChunkedDecoder(options);
  const data = pieces.flatMap((piece) => decoder.push(piece));
  decoder.finish();
  return { text: Buffer.concat(data).toString('latin1'), trailers: decoder.trailers };
}

function faultOf(options: ChunkedDecoderOptions, body: string): string {
  try {
    decode(options, [Buffer.from(body, 'latin1')]);
  } catch (error) {
    if (error instanceof AwsChunkedError) return error.fault;
    throw error;
  }
  return 'none';
}

// Data that looks like framing, so that a decoder that searches for it goes wrong.
const CHUNKS = ['0\r\n\r\n', 'a'.repeat(300), '\r\n5;chunk-signature=x\r\n', ''];
const TEXT = CHUNKS.join('');
const UNSIGNED =
  CHUNKS.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}${chunk === '' ? '' : '\r\n'}`).join('') +
  `${CHECKSUM}\r\n\r\n`;

const VARIANTS: [string, string, () => ChunkedDecoderOptions, string | undefined][] = [
  ['signed chunks', signedBody(CHUNKS), () => signed(TEXT.length, false), undefined],
  ['signed chunks and trailer', signedBody(CHUNKS, CHECKSUM), () => signed(TEXT.length, true), 'AAAAAA=='],
  ['unsigned chunks with a trailer', UNSIGNED, () => unsigned(TEXT.length), 'AAAAAA=='],
];

describe.each(VARIANTS)('%s', (_, body, options, checksum) => {
  const bytes = Buffer.from(body, 'latin1');

  it('are decoded however they are split in two', () => {
    for (let split = 0; split <= bytes.length; split += 1) {
      const { text, trailers } = decode(options(), [bytes.subarray(0, split), bytes.subarray(split)]);
      expect(text).toBe(TEXT);
      expect(trailers.get('x-amz-checksum-crc32')).toBe(checksum);
    }
  });

  it('are decoded byte by byte', () => {
    const pieces = [...bytes].map((byte) => Buffer.from([byte]));
    expect(decode(options(), pieces).text).toBe(TEXT);
  });

  it('are decoded without copies', () => {
    const [piece] = createChunkedDecoder(options()).push(bytes);
    expect(piece?.buffer).toBe(bytes.buffer);
  });

  it('are refused when they end early', () => {
    const before_last_line = body.lastIndexOf('0', body.length - (checksum === undefined ? 70 : 20));
    for (const end of [0, 1, 10, 100, 320, before_last_line]) {
      expect(['incomplete', 'signature']).toContain(faultOf(options(), body.slice(0, end)));
    }
  });
});

describe('what is refused', () => {
  it.each([
    ['data that was changed', (body: string) => body.replace('aaaa', 'aaab')],
    ['a signature that was changed', (body: string) => body.replace(/signature=./, 'signature=0')],
    ['a chunk without a signature', (body: string) => body.replace(/;chunk-signature=[0-9a-f]{64}/, '')],
    ['a trailer that was changed', (body: string) => body.replace('AAAAAA==', 'BAAAAA==')],
    ['a trailer without a signature', (body: string) => body.replace(/x-amz-trailer-signature.*\r\n/, '')],
  ])('%s', (_, change) => {
    const body = signedBody(CHUNKS, CHECKSUM);
    expect(faultOf(signed(TEXT.length, true), body)).toBe('none');
    expect(faultOf(signed(TEXT.length, true), change(body))).toBe('signature');
  });

  it('chunks in another order', () => {
    const [first = '', second = ''] = [...signedBody(['aa', 'bb', '']).matchAll(/2;.*\r\n..\r\n/g)].map(
      String,
    );
    const body = signedBody(['aa', 'bb', '']).replace(first + second, second + first);
    expect(faultOf(signed(4, false), body)).toBe('signature');
  });

  it.each([
    ['a size that is no number', 'zz\r\n', 'framing'],
    ['a size of too many digits', `${'0'.repeat(17)}1\r\n`, 'framing'],
    ['an empty header', '\r\n', 'framing'],
    ['another chunk extension', '1;x=y\r\na\r\n', 'framing'],
    ['a header without an end', 'a'.repeat(300), 'framing'],
    ['a header that ends with LF alone', '1\na\r\n', 'framing'],
    ['a chunk that is longer than it says', '1\r\nab\r\n', 'framing'],
    ['more data than announced', 'ffffffff\r\n', 'too_long'],
    ['less data than announced', '1\r\na\r\n0\r\n\r\n', 'incomplete'],
    ['a trailer that is no header', '5\r\naaaaa\r\n0\r\nnonsense\r\n\r\n', 'trailer'],
    ['a trailer that is too long', `5\r\naaaaa\r\n0\r\nx:${'y'.repeat(1100)}\r\n\r\n`, 'trailer'],
  ])('%s', (_, body, fault) => {
    expect(faultOf(unsigned(5), body)).toBe(fault);
  });

  it('a trailer where none may be', () => {
    const body = signedBody(['a', '']).replace(/\r\n$/, 'x-amz-checksum-crc32:AAAAAA==\r\n\r\n');
    expect(faultOf(signed(1, false), body)).toBe('trailer');
  });
});

describe('what clients do beyond the letter', () => {
  it('capital hex digits and no line end behind the last chunk', () => {
    expect(decode(unsigned(10), [Buffer.from('A\r\n0123456789\r\n0\r\n')]).text).toBe('0123456789');
  });

  it('a trailer line that ends with LF, and an empty line before its signature (minio-go)', () => {
    const body = signedBody(['aa', ''], CHECKSUM).replace(`${CHECKSUM}\r\n`, `${CHECKSUM}\n\r\n`);
    const { trailers } = decode(signed(2, true), [Buffer.from(body)]);
    expect(trailers.get('x-amz-checksum-crc32')).toBe('AAAAAA==');
  });

  it('an empty body', () => {
    expect(decode(unsigned(0), [Buffer.from('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n')]).text).toBe('');
  });
});
