import { TOO_LATE, within } from '../../adapters/within.js';
import { LIMITS } from '../../config/limits.js';
import type { Reply } from './operation.js';

interface Finished {
  readonly headers?: Readonly<Record<string, string | number | undefined>>;
  readonly body: string;
}

/**
 * Waits a while for work that usually is quick, so that its outcome decides over status and headers. Work that takes
 * longer goes on behind an answer that has begun already: then its headers are lost, as they are on S3.
 */
export async function replyWhenReady(work: Promise<Finished>): Promise<Reply> {
  const finished = await within(LIMITS.slow_reply_after_ms, work);
  if (finished !== TOO_LATE) return { status: 200, ...finished };
  return { status: 200, slow_body: work.then((finished) => finished.body) };
}
