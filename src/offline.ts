/** The storage without doors: for commands while no node runs. Opened under its lock, closed whatever happens. */
import type { Environment } from '../config/env.js';
import type { Config } from '../config/schema.js';
import { type VerifyEvent, type VerifyRequest, verifyStorage } from './control/verify.js';
import { createVerifications } from './objects/verifications.js';
import { openStorage, type Storage } from './storage.js';

export async function withOfflineStorage<R>(
  config: Config,
  env: Environment,
  work: (storage: Storage) => Promise<R>,
): Promise<R> {
  let fatal: Error | undefined;
  const on_fatal = (error: Error) => {
    fatal ??= error;
  };
  const storage = await openStorage({ config, env, on_fatal });
  try {
    const result = await work(storage);
    if (fatal) throw fatal;
    return result;
  } finally {
    await storage.close();
  }
}

/** `follow` reads the events to their end. */
export async function verifyOffline(
  config: Config,
  env: Environment,
  request: VerifyRequest,
  follow: (events: AsyncIterable<VerifyEvent>) => Promise<void>,
): Promise<void> {
  const { pino } = await import('pino');
  const logger = pino({ enabled: false });
  await withOfflineStorage(config, env, async ({ state, store }) => {
    let failure: unknown;
    const verifications = createVerifications({
      state,
      on_error: (error) => {
        failure ??= error;
      },
    });
    try {
      await follow(verifyStorage({ store, verifications, logger }, request, new AbortController().signal));
    } finally {
      await verifications.close();
    }
    if (failure !== undefined) throw failure;
  });
}
