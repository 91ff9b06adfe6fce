export const TOO_LATE = Symbol('too late');

/** What the work resolves with, or fails with, or TOO_LATE. Then it goes on, and nobody hears how it ends. */
export async function within<T>(wait_ms: number, work: Promise<T>): Promise<T | typeof TOO_LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof TOO_LATE>((resolve) => {
    timer = setTimeout(resolve, wait_ms, TOO_LATE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
