/**
 * The chunks of `body`; when the signal aborts, its reason at once, even while the body does not move. The body is
 * released whenever the iteration ends.
 */
export async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) {
    yield* body;
    return;
  }
  const iterator = body[Symbol.asyncIterator]();
  let interrupt: (reason: unknown) => void = () => undefined;
  const onAbort = () => interrupt(signal.reason);
  // One promise for each step, not a race against a promise that outlives them all and would remember each.
  const step = () =>
    new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
      interrupt = reject;
      iterator.next().then(resolve, reject);
    });
  signal.addEventListener('abort', onAbort, { once: true });
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await step();
      if (done === true) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    const released = ended ? undefined : iterator.return?.();
    // A body that does not move cannot be waited for.
    if (signal.aborted) released?.catch(() => undefined);
    else await released;
  }
}
