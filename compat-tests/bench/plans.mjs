import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createPresigner, encodeKey } from '../support/presign.mjs';
import { largeBody, largePieces, smallBody } from './content.mjs';

/**
 * @typedef {object} Target
 * @property {string} s3_url
 * @property {string | null} api_url
 * @property {string} access_key
 * @property {string} secret_key
 *
 * What a load run does. `first` and `count` are the numbers of the objects.
 * @typedef {(
 *   | { type: 'put', bucket: string, prefix: string, first: number, count: number, size_bytes: number, crc32?: boolean }
 *   | { type: 'get', bucket: string, prefix: string, first: number, count: number }
 *   | { type: 'list', bucket: string, queries: Record<string, string>[] }
 *   | { type: 'shard-put', first: number, count: number, size_bytes: number }
 *   | { type: 'shard-get', first: number, count: number }
 *   | { type: 'make-bucket', bucket: string }
 * )} Plan
 *
 * @typedef {object} Prepared
 * @property {string} host
 * @property {number} port
 * @property {number} count
 * @property {(index: number) => import('./http-connection.mjs').Exchange} request cheap: called under load
 */

const LARGE_BYTES = 1024 ** 2;

/** How keys of a filled bucket look: 1,000 prefixes, whatever the number of keys. */
const PREFIXES = 1_000;

/** @param {string} prefix @param {number} number */
export function keyOf(prefix, number) {
  const group = String(number % PREFIXES).padStart(3, '0');
  return `${prefix}${group}/${String(Math.floor(number / PREFIXES)).padStart(7, '0')}`;
}

/** @param {string} url @param {string} method @param {string} path @param {string} [more] further header lines */
function headOf(url, method, path, more = '') {
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${more}\r\n`, 'latin1');
}

/** @param {string} url */
function addressOf(url) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/**
 * Of a large body. Its header is signed, as all x-amz-* headers are to be.
 * @param {number} size_bytes
 * @param {number} number
 */
function crc32Header(size_bytes, number) {
  const value = Buffer.alloc(4);
  let crc = 0;
  for (const piece of largePieces(size_bytes, number)) crc = crc32(piece, crc);
  value.writeUInt32BE(crc);
  return { 'x-amz-checksum-crc32': value.toString('base64') };
}

/** @param {Target} target @param {Extract<Plan, { type: 'put' }>} plan */
function preparePut(target, { bucket, prefix, first, count, size_bytes, crc32: with_crc32 = false }) {
  const presign = createPresigner(target.s3_url, target);
  const heads = Array.from({ length: count }, (_, index) => {
    const headers = with_crc32 ? crc32Header(size_bytes, first + index) : {};
    const path = presign('PUT', `/${bucket}/${encodeKey(keyOf(prefix, first + index))}`, {}, headers);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return headOf(target.s3_url, 'PUT', path, `Content-Length: ${size_bytes}\r\n${lines.join('')}`);
  });
  /** @param {number} index */
  const request = (index) => {
    const head = heads[index] ?? Buffer.alloc(0);
    return size_bytes > LARGE_BYTES
      ? { head, send_body: largeBody(size_bytes, first + index) }
      : { head, body: smallBody(size_bytes, first + index) };
  };
  return { ...addressOf(target.s3_url), count, request };
}

/** @param {Target} target @param {Extract<Plan, { type: 'get' }>} plan */
function prepareGet(target, { bucket, prefix, first, count }) {
  const presign = createPresigner(target.s3_url, target);
  const heads = Array.from({ length: count }, (_, index) =>
    headOf(target.s3_url, 'GET', presign('GET', `/${bucket}/${encodeKey(keyOf(prefix, first + index))}`)),
  );
  return {
    ...addressOf(target.s3_url),
    count,
    request: (/** @type {number} */ index) => ({ head: heads[index] ?? Buffer.alloc(0) }),
  };
}

/** @param {string | null} api_url */
function shardUrl(api_url) {
  if (api_url === null) throw new Error('this server has no shard API');
  return api_url;
}

/** @param {Target} target @param {Extract<Plan, { type: 'shard-put' }>} plan */
function prepareShardPut(target, { first, count, size_bytes }) {
  const url = shardUrl(target.api_url);
  const messages = Array.from({ length: count }, (_, index) => {
    const data = smallBody(size_bytes, first + index);
    const body = JSON.stringify({
      shard_id: `bench-${first + index}`,
      shard_data: data.toString('base64'),
      original_hash: createHash('sha256').update(data).digest('hex'),
      source_node: 'bench',
    });
    const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    return Buffer.concat([headOf(url, 'POST', '/api/v1/shards/store', headers), Buffer.from(body)]);
  });
  return {
    ...addressOf(url),
    count,
    request: (/** @type {number} */ index) => ({ head: messages[index] ?? Buffer.alloc(0) }),
  };
}

/**
 * Does all that can be done before the clock starts: signatures, digests, encodings.
 * @param {Target} target
 * @param {Plan} plan
 * @returns {Prepared}
 */
export function prepare(target, plan) {
  switch (plan.type) {
    case 'put':
      return preparePut(target, plan);
    case 'get':
      return prepareGet(target, plan);
    case 'shard-put':
      return prepareShardPut(target, plan);
    case 'shard-get': {
      const url = shardUrl(target.api_url);
      const heads = Array.from({ length: plan.count }, (_, index) =>
        headOf(url, 'GET', `/api/v1/shards/bench-${plan.first + index}`),
      );
      return {
        ...addressOf(url),
        count: plan.count,
        request: (index) => ({ head: heads[index] ?? Buffer.alloc(0) }),
      };
    }
    case 'list': {
      const presign = createPresigner(target.s3_url, target);
      const heads = plan.queries.map((query) =>
        headOf(target.s3_url, 'GET', presign('GET', `/${plan.bucket}`, { 'list-type': '2', ...query })),
      );
      return {
        ...addressOf(target.s3_url),
        count: heads.length,
        request: (index) => ({ head: heads[index] ?? Buffer.alloc(0), keep_body: true }),
      };
    }
    case 'make-bucket': {
      const path = createPresigner(target.s3_url, target)('PUT', `/${plan.bucket}`);
      const head = headOf(target.s3_url, 'PUT', path, 'Content-Length: 0\r\n');
      return { ...addressOf(target.s3_url), count: 1, request: () => ({ head }) };
    }
  }
}
