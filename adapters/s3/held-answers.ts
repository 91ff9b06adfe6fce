import { LIMITS } from '../../config/limits.js';
import { createChecksum } from '../../src/wire/checksums.js';
import { type ObjectChecksum, StoreError } from '../contract/index.js';
import { toStoreError } from './errors.js';
import type { UpstreamAnswer } from './exchange.js';

/**
 * Answers whose bodies nobody reads yet. Each holds a connection, so it is let go after a moment, or when too many wait;
 * who reads later gets the same bytes by asking again.
 */
export interface HeldAnswers {
  /** A body for one reader. */
  hold(
    answer: UpstreamAnswer,
    expected: ExpectedBytes,
    again: () => Promise<UpstreamAnswer>,
  ): AsyncIterable<Uint8Array>;
  dropAll(): void;
}

interface ExpectedBytes {
  readonly size_bytes: number;
  /** Of exactly these bytes, where it is known. */
  readonly checksum: ObjectChecksum | null;
  readonly signal: AbortSignal | undefined;
}

export function createHeldAnswers(): HeldAnswers {
  const drops = new Set<() => void>();
  return {
    hold(answer, expected, again) {
      let waiting: UpstreamAnswer | undefined = answer;
      const take = () => {
        const taken = waiting;
        waiting = undefined;
        clearTimeout(timer);
        drops.delete(drop);
        return taken;
      };
      const drop = () => take()?.body.discard();
      const timer = setTimeout(drop, LIMITS.upstream_unread_ms).unref();
      drops.add(drop);
      if (drops.size > LIMITS.upstream_unread_max)
        for (const oldest of drops) {
          oldest();
          break;
        }
      return read(async () => take() ?? again(), expected);
    },
    dropAll() {
      for (const drop of [...drops]) drop();
    },
  };
}

async function* read(
  open: () => Promise<UpstreamAnswer>,
  expected: ExpectedBytes,
): AsyncGenerator<Uint8Array> {
  const { size_bytes, signal } = expected;
  const check = createCheck(expected.checksum);
  let received = 0;
  try {
    signal?.throwIfAborted();
    const answer = await open();
    for await (const chunk of answer.body) {
      signal?.throwIfAborted();
      received += chunk.length;
      check.update(chunk);
      // Before the last bytes leave, so that a reader never believes that it has all.
      if (received === size_bytes) check.end();
      yield chunk;
    }
    if (received !== size_bytes) throw truncated(received, size_bytes);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw toStoreError(error);
  }
}

export function truncated(received: number, size_bytes: number): StoreError {
  return new StoreError('unavailable', `the upstream sent ${received} of ${size_bytes} bytes`, {
    subject: 'adapter',
  });
}

/**
 * Compares with a checksum of the whole, where there is one that costs little: 256 MiB take 37 to 60 ms. Digests are left
 * to the client, who is told them, and to verifications.
 */
export function createCheck(checksum: ObjectChecksum | null) {
  const cheap = checksum?.type === 'FULL_OBJECT' && checksum.algorithm.startsWith('CRC');
  if (!cheap) return { update: () => undefined, end: () => undefined };
  const hasher = createChecksum(checksum.algorithm);
  return {
    update: (bytes: Uint8Array) => hasher.update(bytes),
    end() {
      if (hasher.digest().toString('base64') === checksum.value) return;
      throw new StoreError('corrupt', `the bytes do not match their ${checksum.algorithm}`);
    },
  };
}
