import { isStoreError, StoreError } from '../contract/index.js';

const ROUNDS_MAX = 5;

/**
 * Looks at an object, and reads or copies what was seen. `act` insists on that with a condition of our own, which the
 * caller must not hear of: where the object was replaced in between, the new one is looked at. Unavailable in the end.
 */
export async function withSeen<Seen, Result>(
  look: () => Promise<Seen>,
  act: (seen: Seen) => Promise<Result>,
): Promise<Result> {
  for (let round = 1; ; round++) {
    const seen = await look();
    try {
      return await act(seen);
    } catch (cause) {
      if (!isStoreError(cause, 'precondition_failed')) throw cause;
      if (round < ROUNDS_MAX) continue;
      throw new StoreError('unavailable', 'the object is being replaced', { subject: 'adapter', cause });
    }
  }
}
