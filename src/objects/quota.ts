import { setTimeout as wait } from 'node:timers/promises';
import { StoreError } from '../../adapters/contract/index.js';

export interface QuotaOptions {
  /** Infinity: no quota. */
  readonly max_bytes: number;
  /** The bytes that are stored, exactly, all counted adapters together. */
  readonly measure: () => Promise<number>;
  /** Asked for at least this many bytes more; may free less, or nothing. */
  readonly makeRoom?: ((bytes: number) => Promise<unknown>) | undefined;
}

export interface Quota {
  /**
   * Runs a write of `size_bytes` when there is room, else fails with no_space before any of it is read.
   * `credit` says what the write will free (the object that it replaces); it is asked for only when room is short.
   */
  admit<R>(size_bytes: number, write: () => Promise<R>, credit?: () => Promise<number>): Promise<R>;
}

/** A write that has just committed may still be counted as under way: look again after it had time to say so. */
const SECOND_LOOK_MS = 5;

/**
 * `used` is an upper bound: it grows with each write and is measured anew only when room gets short, because deletes
 * and replacements would make every write pay for exactness that only a nearly full node needs. Writes under way are
 * counted with their full size, so concurrent ones never end above the limit together.
 */
export function createQuota(options: QuotaOptions): Quota {
  const { max_bytes, measure, makeRoom } = options;
  let used = 0;
  let measured = false;
  let reserved = 0;
  let written_in_all = 0;

  const missing = (size_bytes: number, credit: number) => used + reserved + size_bytes - credit - max_bytes;

  /** Looks and reserves in one step, so that two writes never take the same room. */
  const take = (size_bytes: number, credit: number): boolean => {
    if (!measured || missing(size_bytes, credit) > 0) return false;
    reserved += size_bytes;
    return true;
  };

  const refresh = async () => {
    const written_before = written_in_all;
    const stored = await measure();
    // What was written meanwhile may or may not be in the measure: counted again, the bound stays a bound.
    used = stored + (written_in_all - written_before);
    measured = true;
  };

  const takeSlowly = async (size_bytes: number, credit: (() => Promise<number>) | undefined) => {
    await refresh();
    if (take(size_bytes, 0)) return;
    const freed = credit === undefined ? 0 : await credit();
    if (take(size_bytes, freed)) return;
    if (reserved > 0) {
      await wait(SECOND_LOOK_MS);
      await refresh();
      if (take(size_bytes, freed)) return;
    }
    if (makeRoom !== undefined && size_bytes - freed <= max_bytes) {
      await makeRoom(missing(size_bytes, freed));
      await refresh();
      if (take(size_bytes, freed)) return;
    }
    throw new StoreError('no_space', 'the storage quota is full', {
      subject: 'adapter',
      detail: { size_bytes, max_bytes, used_bytes: used },
    });
  };

  return {
    admit: async (size_bytes, write, credit) => {
      if (max_bytes === Number.POSITIVE_INFINITY) return write();
      if (!take(size_bytes, 0)) await takeSlowly(size_bytes, credit);
      try {
        const result = await write();
        used += size_bytes;
        written_in_all += size_bytes;
        return result;
      } finally {
        reserved -= size_bytes;
      }
    },
  };
}
