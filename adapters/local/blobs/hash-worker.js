// Hashes bytes in shared blocks, off the event loop. Plain JavaScript that imports nothing else, because it is loaded from
// the source tree (tests) as well as from the bundle. Spoken to by hash-lanes.ts alone.
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import { CRC64_START, crc64Digest, crc64Update } from '../../../src/wire/crc64-nvme.js';

/** @typedef {{ update(bytes: Uint8Array): void, digest(): Uint8Array }} Hasher */

/** @type {Record<string, () => Hasher>} */
const HASHERS = {
  MD5: () => createHash('md5'),
  SHA1: () => createHash('sha1'),
  SHA256: () => createHash('sha256'),
  CRC32: () => crc32Hasher(crc32),
  CRC32C: () => crc32Hasher(crc32c),
  CRC64NVME: crc64Hasher,
};

/**
 * @param {(bytes: Uint8Array, state: number) => number} crc
 * @returns {Hasher}
 */
function crc32Hasher(crc) {
  let state = 0;
  return {
    update(bytes) {
      state = crc(bytes, state);
    },
    digest() {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(state >>> 0);
      return value;
    },
  };
}

/** @returns {Hasher} */
function crc64Hasher() {
  let state = CRC64_START;
  return {
    update(bytes) {
      state = crc64Update(state, bytes);
    },
    digest: () => crc64Digest(state),
  };
}

/** @type {Map<number, Uint8Array>} */
const blocks = new Map();
/** @type {Map<number, Hasher[]>} */
const streams = new Map();

/** @param {import('./hash-lanes.js').LaneRequest} request */
function serve(request) {
  switch (request.op) {
    case 'block':
      blocks.set(request.block, request.bytes);
      return;
    case 'open':
      streams.set(
        request.stream,
        request.algorithms.map((name) => createHasher(name)),
      );
      return;
    case 'update': {
      const bytes = blocks.get(request.block)?.subarray(0, request.length);
      if (bytes === undefined) throw new Error(`block ${request.block} was never announced`);
      for (const hasher of streams.get(request.stream) ?? []) hasher.update(bytes);
      reply({ stream: request.stream });
      return;
    }
    case 'digest': {
      const digests = (streams.get(request.stream) ?? []).map((hasher) => new Uint8Array(hasher.digest()));
      streams.delete(request.stream);
      reply({ stream: request.stream, digests });
      return;
    }
    case 'drop':
      streams.delete(request.stream);
  }
}

/** @param {string} name */
function createHasher(name) {
  const create = HASHERS[name];
  if (create === undefined) throw new Error(`no hash algorithm ${name}`);
  return create();
}

/** @param {import('./hash-lanes.js').LaneReply} message */
function reply(message) {
  parentPort?.postMessage(message);
}

parentPort?.on('message', serve);
