import { afterAll, expect } from 'vitest';
import { failure } from './support/expect.js';
import { type Harness, testWith } from './support/harness.js';
import { type Locked, lockedObject, retentionFor } from './support/locks.js';

const MINUTE_MS = 60_000;

/** Long enough for all that must be refused meanwhile, on a machine that is busy. */
const HELD_MS = 5_000;

/**
 * Two tests, to stand before and behind all others: retention ends by the clock, without an event to wait for, and the
 * time passes while the others run.
 */
export function complianceTests(harness: Harness): { readonly holds: () => void; readonly ends: () => void } {
  let held: Locked['address'] | undefined;

  async function deleteHeld(address: Locked['address']): Promise<void> {
    const attempt = () =>
      harness.store.deleteObject(address).then(
        () => 'deleted',
        (error: Error) => error.message,
      );
    await expect.poll(attempt, { timeout: 10_000, interval: 100 }).toBe('deleted');
    held = undefined;
  }

  // A run of the first test alone leaves a version that keeps its bucket from being removed.
  afterAll(async () => {
    if (held !== undefined) await deleteHeld(held);
  });

  return {
    holds: () =>
      testWith(harness, 'object_lock', 'compliance holds against everyone', async () => {
        const { store } = harness;
        const until = retentionFor('COMPLIANCE', HELD_MS);
        const { address } = await lockedObject(harness, { retention: until });
        held = address;
        const bypass_governance = true;
        await failure(store.deleteObject({ ...address, bypass_governance }), 'locked');
        const shorter = { mode: 'COMPLIANCE', until_ms: until.until_ms - 1_000 } as const;
        const weaker = { mode: 'GOVERNANCE', until_ms: until.until_ms + MINUTE_MS } as const;
        for (const retention of [shorter, weaker, null]) {
          await failure(store.putRetention({ ...address, retention, bypass_governance }), 'locked');
        }
        expect((await store.headObject(address)).info.retention).toEqual(until);
        const longer = { mode: 'COMPLIANCE', until_ms: until.until_ms + 1_000 } as const;
        await store.putRetention({ ...address, retention: longer });
        expect((await store.headObject(address)).info.retention).toEqual(longer);
        await failure(store.deleteObject({ ...address, bypass_governance }), 'locked');
      }),
    ends: () =>
      testWith(harness, 'object_lock', 'compliance ends with its time', async () => {
        const { address } = held === undefined ? await lockedForAMoment(harness) : { address: held };
        await deleteHeld(address);
        await failure(harness.store.headObject(address), 'not_found', 'version');
      }),
  };
}

/** For a run of the second test alone. */
function lockedForAMoment(harness: Harness): Promise<Locked> {
  return lockedObject(harness, { retention: retentionFor('COMPLIANCE', 500) });
}
