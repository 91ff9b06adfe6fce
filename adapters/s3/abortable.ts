/** The SDK's options for a call that ends with its signal. */
export function abortable({ signal }: { readonly signal?: AbortSignal | undefined }): {
  abortSignal?: AbortSignal;
} {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** What the work resolves or fails with; when the signal aborts, its reason at once, and nobody hears how the work ends. */
export function orAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const end = () => signal.removeEventListener('abort', onAbort);
    work.then(resolve, reject).then(end, end);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Aborts with the first of the two. */
export function either(given: AbortSignal | undefined, own: AbortSignal): AbortSignal {
  return given === undefined ? own : AbortSignal.any([given, own]);
}
