import { statfs } from 'node:fs/promises';
import { StoreError } from '../contract/index.js';

/**
 * LMDB answers a full disk with the same error as a broken one, which is fatal. So writes are refused while there is
 * still room: the reserve lets deletes, which write to the index too, always succeed.
 */
export interface FreeSpace {
  /** Fails with no_space when `size_bytes` more would eat into the reserve. Metadata writes ask for 0. */
  admit(size_bytes: number): Promise<void> | undefined;
}

export interface FreeSpaceOptions {
  readonly path: string;
  /** Default: 5 % of the file system, between 4 and 64 MiB. */
  readonly reserve_bytes?: number;
  readonly now?: () => number;
}

const MIB = 1024 ** 2;
const RESERVE_BYTES_MIN = 4 * MIB;
const RESERVE_BYTES_MAX = 64 * MIB;
const RESERVE_SHARE = 0.05;
const FRESH_MS = 500;
/** Index pages that one write may touch, beside its content. */
const WRITE_COST_BYTES = 64 * 1024;

export async function openFreeSpace(options: FreeSpaceOptions): Promise<FreeSpace> {
  const now = options.now ?? (() => performance.now());
  let available = 0;
  let reserve = 0;
  let measured_at_ms = Number.NEGATIVE_INFINITY;
  let measuring: Promise<void> | undefined;

  async function measure(): Promise<void> {
    const found = await statfs(options.path);
    available = found.bavail * found.bsize;
    const share = found.blocks * found.bsize * RESERVE_SHARE;
    reserve = options.reserve_bytes ?? Math.min(RESERVE_BYTES_MAX, Math.max(RESERVE_BYTES_MIN, share));
    measured_at_ms = now();
  }

  function refresh(): Promise<void> {
    measuring ??= measure().finally(() => {
      measuring = undefined;
    });
    return measuring;
  }

  /** What is admitted counts as used until the next measurement sees it. */
  function take(size_bytes: number): boolean {
    const cost = size_bytes + WRITE_COST_BYTES;
    if (available - cost < reserve) return false;
    available -= cost;
    return true;
  }

  async function admitSlowly(size_bytes: number): Promise<void> {
    await refresh();
    if (!take(size_bytes)) {
      throw new StoreError('no_space', `the disk has no room for ${size_bytes} more bytes`, {
        subject: 'adapter',
        detail: { size_bytes },
      });
    }
  }

  await measure();
  return {
    admit(size_bytes) {
      if (now() - measured_at_ms < FRESH_MS && take(size_bytes)) return undefined;
      return admitSlowly(size_bytes);
    },
  };
}
