import { type Adapter, StoreError } from '../contract/index.js';
import { aroundCalls } from './around.js';

/**
 * Closes when the calls under way are done: a decorator may have a call in hand that its adapter has not seen yet, which
 * a closed adapter would refuse. Bodies and waits for changes end when the adapter closes.
 */
export function closeAfterCalls(inner: Adapter): Adapter {
  let closed = false;
  let under_way = 0;
  let finish = (): void => undefined;
  const calls = aroundCalls(inner, async (method, input, run) => {
    if (method === 'waitForChange') return run(input);
    if (closed) throw new StoreError('unavailable', 'the adapter is closed', { subject: 'adapter' });
    under_way += 1;
    try {
      return await run(input);
    } finally {
      under_way -= 1;
      if (under_way === 0) finish();
    }
  });
  return {
    ...calls,
    async close() {
      closed = true;
      if (under_way > 0) {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
      }
      await inner.close();
    },
  };
}
