/**
 * Compact records. One writer buffer serves all encoders: LMDB copies a value while the put runs, so what `finish`
 * returns is valid until the next `begin`. Hand-written, because a page of a listing decodes 1,000 records.
 */
const START_BYTES = 64 * 1024;
let target = Buffer.allocUnsafeSlow(START_BYTES);
let position = 0;

function reserve(bytes: number): void {
  if (position + bytes <= target.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(target.length * 2, position + bytes));
  target.copy(grown, 0, 0, position);
  target = grown;
}

export function begin(): void {
  position = 0;
}

export function finish(): Buffer {
  return target.subarray(0, position);
}

export function putUint8(value: number): void {
  reserve(1);
  target[position++] = value;
}

export function putUint16(value: number): void {
  reserve(2);
  position = target.writeUInt16BE(value, position);
}

export function putUint32(value: number): void {
  reserve(4);
  position = target.writeUInt32BE(value, position);
}

/** Sequences, sizes and times: 48 bits hold 281 terabytes, or milliseconds until the year 10889. */
export function putUint48(value: number): void {
  reserve(6);
  position = target.writeUIntBE(value, position, 6);
}

export function putBytes(bytes: Uint8Array): void {
  reserve(bytes.length);
  target.set(bytes, position);
  position += bytes.length;
}

export function putHex(hex: string): void {
  reserve(hex.length / 2);
  position += target.write(hex, position, 'hex');
}

export function putString(text: string): void {
  reserve(2 + text.length * 3);
  const written = target.write(text, position + 2, 'utf8');
  if (written > 0xffff) throw new RangeError('a string of a record is longer than 65,535 bytes');
  target.writeUInt16BE(written, position);
  position += 2 + written;
}

/** An empty map costs two bytes. */
export function putStrings(map: Readonly<Record<string, string>>): void {
  const names = Object.keys(map);
  putUint16(names.length);
  for (const name of names) {
    putString(name);
    putString(map[name] ?? '');
  }
}

let source: Buffer = Buffer.alloc(0);
let cursor = 0;

/** Reads go through one module-level cursor: decoding never waits, so no two decoders are ever inside each other. */
export function openBytes(bytes: Uint8Array): void {
  // LMDB lends large values as a plain view of its map.
  source = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  cursor = 0;
}

export function getUint8(): number {
  return source[cursor++] ?? 0;
}

export function getUint16(): number {
  cursor += 2;
  return source.readUInt16BE(cursor - 2);
}

export function getUint32(): number {
  cursor += 4;
  return source.readUInt32BE(cursor - 4);
}

export function getUint48(): number {
  cursor += 6;
  return source.readUIntBE(cursor - 6, 6);
}

export function getHex(bytes: number): string {
  cursor += bytes;
  return source.toString('hex', cursor - bytes, cursor);
}

export function getBase64(bytes: number): string {
  cursor += bytes;
  return source.toString('base64', cursor - bytes, cursor);
}

/** A copy: the bytes that records are decoded from are lent by LMDB. */
export function getBytes(bytes: number): Buffer {
  cursor += bytes;
  return Buffer.from(source.subarray(cursor - bytes, cursor));
}

export function getString(): string {
  const length = getUint16();
  if (length === 0) return '';
  cursor += length;
  return source.toString('utf8', cursor - length, cursor);
}

const NO_STRINGS: Readonly<Record<string, string>> = Object.freeze({});

export function getStrings(): Readonly<Record<string, string>> {
  const count = getUint16();
  if (count === 0) return NO_STRINGS;
  const map: [string, string][] = [];
  for (let index = 0; index < count; index += 1) map.push([getString(), getString()]);
  // fromEntries defines own properties, so that a name like `__proto__` stays data.
  return Object.fromEntries(map);
}
