import { isStoreError, StoreError } from '../../contract/index.js';

/** All requests for one answer name the upstream's ETag; this is what one fails with that finds another version there. */
const REASON = 'replaced_while_read';
const ATTEMPTS_MAX = 5;

export function replaced(cause?: unknown): StoreError {
  return new StoreError('unavailable', 'the object was replaced while it was read', {
    detail: { reason: REASON },
    ...(cause !== undefined && { cause }),
  });
}

/** For requests whose only condition is ours. */
export async function unlessReplaced<Result>(request: Promise<Result>): Promise<Result> {
  try {
    return await request;
  } catch (error) {
    throw isStoreError(error, 'precondition_failed') ? replaced(error) : error;
  }
}

/** Begins anew with the version that is there now. */
export async function whileReplaced<Result>(read: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      const again = isStoreError(error, 'unavailable') && error.detail.reason === REASON;
      if (!again || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
