// Assembles the WebAssembly of crc64-nvme.js. Plain JavaScript, because worker threads load it from the source tree too.
// Opcodes: WebAssembly core specification 2.0, chapter 5 ("Binary Format").

const I32 = 0x7f;
const I64 = 0x7e;
const FUNCTION = 0x60;
const EMPTY_BLOCK = 0x40;
const END = 0x0b;

/** @param {number} value @returns {number[]} unsigned LEB128 */
const u32 = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u32(value >>> 7)]);
/** @param {number} value @returns {number[]} signed LEB128, of a value that is not negative */
const s32 = (value) => (value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...s32(value >>> 7)]);
/** @param {readonly (readonly number[])[]} items */
const vector = (items) => [...u32(items.length), ...items.flat()];
/** @param {number} id @param {readonly number[]} content */
const section = (id, content) => [id, ...u32(content.length), ...content];
/** @param {string} text */
const name = (text) => vector([...Buffer.from(text)].map((byte) => [byte]));

/** @param {number} index */
const get = (index) => [0x20, ...u32(index)];
/** @param {number} index */
const set = (index) => [0x21, ...u32(index)];
/** @param {number} value */
const i32Const = (value) => [0x41, ...s32(value)];
/** @param {number} value */
const i64Const = (value) => [0x42, ...s32(value)];
/** @param {number} offset */
const i64Load = (offset) => [0x29, 0, ...u32(offset)];
const I64_LOAD_BYTE = [0x31, 0, 0];
/** @param {number} offset */
const v128Load = (offset) => [0xfd, 0x00, 0, ...u32(offset)];
const V128_STORE = [0xfd, 0x0b, 0, 0];
const V128_XOR = [0xfd, 0x51];
const I32_LE_U = [0x4d];
const I32_ADD = [0x6a];
const I32_AND = [0x71];
const I32_SHL = [0x74];
const I64_XOR = [0x85];
const I64_SHR_U = [0x88];
const I32_WRAP = [0xa7];

/** @param {number} local @param {number} by */
const advance = (local, by) => [...get(local), ...i32Const(by), ...I32_ADD, ...set(local)];
/** Repeats `body` as long as all of its next `step` bytes lie before `end`. @param {number} at @param {number} end @param {number} step @param {readonly number[]} body */
const whileBefore = (at, end, step, body) => [
  ...[0x02, EMPTY_BLOCK, 0x03, EMPTY_BLOCK],
  ...[...get(at), ...i32Const(step), ...I32_ADD, ...get(end), ...I32_LE_U, 0x45, 0x0d, 1],
  ...body,
  ...[...advance(at, step), 0x0c, 0, END, END],
];

/**
 * fold(at, back, length): to each byte at `at`, adds the bytes that lie at `offsets` from `back`; 16 bytes at a time.
 * @param {readonly number[]} offsets
 */
function foldCode(offsets) {
  const [at, back, length, end] = [0, 1, 2, 3];
  const sources = offsets.flatMap((offset) => [...get(back), ...v128Load(offset), ...V128_XOR]);
  return [
    ...[1, 1, I32],
    ...[...get(at), ...get(length), ...I32_ADD, ...set(end)],
    ...whileBefore(at, end, 16, [
      ...[...get(at), ...get(at), ...v128Load(0), ...sources, ...V128_STORE],
      ...advance(back, 16),
    ]),
    END,
  ];
}

/**
 * crc(state, at, length): the state after these bytes, eight at a time with a table for each, then one by one. Table n at
 * address 2048 n: what a byte followed by n zeros comes to.
 */
function crcCode() {
  const [state, at, length, end, word] = [0, 1, 2, 3, 4];
  const entry = (/** @type {number} */ byte) => [
    ...get(word),
    ...(byte === 0
      ? [...I32_WRAP, ...i32Const(3), ...I32_SHL]
      : [...i64Const(8 * byte - 3), ...I64_SHR_U, ...I32_WRAP]),
    ...[...i32Const(0x7f8), ...I32_AND, ...i64Load(2048 * (7 - byte))],
  ];
  const eight = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((byte) => [...entry(byte), ...(byte === 0 ? [] : I64_XOR)]);
  const one = [
    ...[...get(state), ...get(at), ...I64_LOAD_BYTE, ...I64_XOR, ...I32_WRAP, ...i32Const(0xff), ...I32_AND],
    ...[...i32Const(3), ...I32_SHL, ...i64Load(0), ...get(state), ...i64Const(8), ...I64_SHR_U, ...I64_XOR],
  ];
  return [
    ...[2, 1, I32, 1, I64],
    ...[...get(at), ...get(length), ...I32_ADD, ...set(end)],
    ...whileBefore(at, end, 8, [
      ...[...get(state), ...get(at), ...i64Load(0), ...I64_XOR, ...set(word)],
      ...[...eight, ...set(state)],
    ]),
    ...whileBefore(at, end, 1, [...one, ...set(state)]),
    ...get(state),
    END,
  ];
}

/** @param {readonly number[]} offsets @param {number} pages of 64 KiB that the memory has */
export function crc64Module(offsets, pages) {
  const codes = [foldCode(offsets), crcCode()].map((code) => [...u32(code.length), ...code]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      vector([
        [FUNCTION, ...vector([[I32], [I32], [I32]]), ...vector([])],
        [FUNCTION, ...vector([[I64], [I32], [I32]]), ...vector([[I64]])],
      ]),
    ),
    ...section(3, vector([[0], [1]])),
    ...section(5, vector([[0, ...u32(pages)]])),
    ...section(
      7,
      vector([
        [...name('fold'), 0, 0],
        [...name('crc'), 0, 1],
        [...name('memory'), 2, 0],
      ]),
    ),
    ...section(10, vector(codes)),
  ]);
}
