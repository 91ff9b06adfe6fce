import { randomFillSync } from 'node:crypto';

const TAG_BYTES = 8;
const pool = Buffer.allocUnsafeSlow(TAG_BYTES * 512);
let used = pool.length;

/** 16 hex digits. Drawn in bulk: a call of the generator costs more than the write of a small record. */
export function randomTag(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += TAG_BYTES;
  return pool.toString('hex', used - TAG_BYTES, used);
}
