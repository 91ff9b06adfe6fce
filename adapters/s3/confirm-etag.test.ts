/** Something on the way changes the ETag in the answer to a streamed put. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { bytesOf, streamOf } from '../conformance/support/bytes.js';
import { checksumOf } from '../conformance/support/digests.js';
import { failure } from '../conformance/support/expect.js';
import { bodyOf, type Handler, overUpstream } from './testing/bad-upstream.js';

const CONTENT = bytesOf(1, 300_000);
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const TRUE = md5(CONTENT);
const WRONG = '0'.repeat(32);
const OTHER = md5(bytesOf(2, 300_000));
const PUT = { bucket: 'bucket', key: 'key', size_bytes: CONTENT.length };

interface Way {
  /** What arrives in the answer to the put, and in those to each HEAD; a number is a status. */
  readonly put: string;
  readonly heads: readonly (string | number)[];
  /** What is there. */
  readonly stored?: { readonly etag: string; readonly content: Uint8Array };
  readonly version_id?: string;
}

async function put({ put: told, heads, stored, version_id }: Way) {
  const { etag, content } = stored ?? { etag: TRUE, content: CONTENT };
  const checksum = await checksumOf('CRC32', content);
  const asked: IncomingMessage[] = [];
  const handler: Handler = async (request, response) => {
    await bodyOf(request);
    const versioned = version_id === undefined ? {} : { 'x-amz-version-id': version_id };
    if (request.method === 'PUT')
      return void response.writeHead(200, { etag: `"${told}"`, ...versioned }).end();
    const shown = heads[asked.length] ?? 404;
    asked.push(request);
    if (typeof shown === 'number') return void response.writeHead(shown).end();
    const { 'if-match': wanted = `"${etag}"` } = request.headers;
    if (wanted !== `"${etag}"`) return void response.writeHead(412).end();
    response.writeHead(200, { etag: `"${shown}"`, 'x-amz-checksum-crc32': checksum }).end();
  };
  let result: Promise<string> = Promise.reject(new Error('not done'));
  result.catch(() => undefined);
  await overUpstream(handler, async (adapter) => {
    result = adapter.putObject({ ...PUT, body: streamOf(CONTENT, [70_000]) }).then((info) => info.etag);
    await result.catch(() => undefined);
  });
  return { result, asked };
}

it('one that is right is confirmed once', async () => {
  const { result, asked } = await put({ put: TRUE, heads: [TRUE] });
  expect(await result).toBe(TRUE);
  expect(asked).toHaveLength(1);
});

it('one that is wrong is put right', async () => {
  const { result } = await put({ put: WRONG, heads: [TRUE, TRUE] });
  expect(await result).toBe(TRUE);
});

it('where all of them are changed there is no success', async () => {
  const { result } = await put({ put: WRONG, heads: [WRONG, WRONG] });
  await failure(result, 'unavailable');
});

it('another object in its place says nothing', async () => {
  const stored = { etag: OTHER, content: bytesOf(2, 300_000) };
  const { result } = await put({ put: TRUE, heads: [OTHER, OTHER], stored });
  expect(await result).toBe(TRUE);
});

it.each([404, 500, 503])('a confirmation that fails with %i fails nothing', async (status) => {
  const { result } = await put({ put: TRUE, heads: [status, status] });
  expect(await result).toBe(TRUE);
});

it('it is the version of the answer that is asked for', async () => {
  const { asked } = await put({ put: TRUE, heads: [TRUE], version_id: 'v-1' });
  expect(asked[0]?.url).toContain('versionId=v-1');
});
