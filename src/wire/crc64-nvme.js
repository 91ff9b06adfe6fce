// CRC64NVME, which Node lacks. Plain JavaScript, because worker threads load it from the source tree too.
import { crc64Module } from './crc64-module.js';

/** Reflected (NVM Express Command Set specification, section 5.2.1.3.4). */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

/**
 * x^(8*3277) + x^(8*2748) + ... + 1 is a multiple of the polynomial, found by searching sums of eight powers. Adding it,
 * shifted and once for each bit that is set, to the front of a message changes nothing of its CRC and clears these bits:
 * what is left of a long message are 3,277 bytes, at the price of seven additions for each of the others. They are done
 * 16 bytes at a time, where a table takes one at a time. (Sam Russell, "Chorba: A novel CRC32 implementation", 2024.)
 *
 * A byte is cleared by adding it to those that lie SPAN - n behind it, for each n of POWERS. So each byte gets what came
 * out SPAN - n before it.
 */
const SPAN = 3277;
const POWERS = [0, 210, 1155, 1190, 1662, 2654, 2748];
const VECTOR_BYTES = 16;

// Memory: the tables, zeros before the data, the data, and the end of the data once more.
const TABLES_BYTES = 8 * 256 * 8;
const DATA = TABLES_BYTES + 4096;
const CHUNK_BYTES = 128 * 1024;
const TAIL = DATA + CHUNK_BYTES + VECTOR_BYTES;
const PAGES = 3;

/**
 * @typedef {object} Code
 * @property {WebAssembly.Memory} memory
 * @property {(at: number, back: number, length: number) => void} fold see crc64-module.js
 * @property {(state: bigint, at: number, length: number) => bigint} crc
 */

const module = new WebAssembly.Module(crc64Module(POWERS, PAGES));
const { memory, fold, crc } = /** @type {Code} */ (new WebAssembly.Instance(module).exports);
const bytes = new Uint8Array(memory.buffer);
const view = new DataView(memory.buffer);
fillTables(new BigUint64Array(memory.buffer, 0, TABLES_BYTES / 8));

/** @param {BigUint64Array} tables */
function fillTables(tables) {
  for (let byte = 0; byte < 256; byte += 1) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ ((value & 1n) === 0n ? 0n : POLYNOMIAL);
    tables[byte] = value;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0n;
    tables[index] = (before >> 8n) ^ (tables[Number(before & 0xffn)] ?? 0n);
  }
}

/** The state before any byte. */
export const CRC64_START = 0xffff_ffff_ffff_ffffn;

/** @param {bigint} state @param {Uint8Array} message @returns {bigint} the state after these bytes too */
export function crc64Update(state, message) {
  let after = state;
  for (let start = 0; start < message.length; start += CHUNK_BYTES) {
    const chunk = message.length <= CHUNK_BYTES ? message : message.subarray(start, start + CHUNK_BYTES);
    after = updateChunk(after, chunk);
  }
  return BigInt.asUintN(64, after);
}

/** @param {bigint} state @param {Uint8Array} chunk */
function updateChunk(state, chunk) {
  const { length } = chunk;
  bytes.set(chunk, DATA);
  if (length < 2 * SPAN) return crc(state, DATA, length);
  // The state is what the bytes so far come to at this place.
  view.setBigUint64(DATA, view.getBigUint64(DATA, true) ^ BigInt.asUintN(64, state), true);
  const folded = length - SPAN - ((length - SPAN) % VECTOR_BYTES);
  const rest = length - folded;
  fold(DATA, DATA - SPAN, folded);
  // Only what was cleared is added to the end.
  bytes.copyWithin(TAIL, DATA + folded, DATA + length);
  bytes.fill(0, DATA + folded, DATA + length + VECTOR_BYTES);
  fold(TAIL, DATA + folded - SPAN, rest + VECTOR_BYTES);
  return crc(0n, TAIL, rest);
}

/** @param {bigint} state @returns {Buffer} big-endian */
export function crc64Digest(state) {
  const digest = Buffer.allocUnsafe(8);
  digest.writeBigUInt64BE(state ^ CRC64_START);
  return digest;
}
