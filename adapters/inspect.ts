import { randomBytes } from 'node:crypto';
import { LIMITS } from '../config/limits.js';
import {
  type Adapter,
  type Capabilities,
  type ErrorKind,
  isStoreError,
  StoreError,
} from './contract/index.js';
import { aroundCalls } from './decorators/around.js';
import type { FeedStatus } from './feed/open-feed.js';
import type { MinioFeedStatus } from './minio/open-minio-adapter.js';
import type { MinioServer } from './minio/server-info.js';
import { TOO_LATE, within } from './within.js';

/** What is known of one adapter, for operators. Times in milliseconds since 1970. */
export interface AdapterReport {
  readonly name: string;
  readonly type: 'local' | 's3' | 'minio';
  readonly provider: string | null;
  readonly capabilities: Capabilities;
  /** It answered when it was asked last; null: it was not asked yet. */
  readonly reachable: boolean | null;
  readonly latency_ms: number | null;
  readonly checked_at_ms: number | null;
  /** The newest failure of a call that was the storage's, not the caller's. */
  readonly last_error: { readonly kind: ErrorKind; readonly at_ms: number } | null;
  /** Null: no MinIO, or it was never reached. */
  readonly server: MinioServer | null;
  /** Null: it has no feed beside it; a local adapter's lies in its index. */
  readonly feed: FeedStatus | MinioFeedStatus | null;
}

export interface Inspector {
  /** As far as it is known, at once. */
  known(): AdapterReport;
  /** Asks the adapter, if that was not done a moment ago. */
  check(): Promise<AdapterReport>;
}

interface Subject {
  readonly type: AdapterReport['type'];
  readonly provider: string | null;
  readonly ask: () => Promise<MinioServer | null>;
  readonly feed: () => AdapterReport['feed'];
  /** As the node uses it. */
  readonly adapter: Adapter;
  readonly errors: ErrorNote;
}

export function createInspector({ type, provider, ask, feed, adapter, errors }: Subject): Inspector {
  let seen: Pick<AdapterReport, 'reachable' | 'latency_ms' | 'checked_at_ms' | 'server'> = {
    reachable: null,
    latency_ms: null,
    checked_at_ms: null,
    server: null,
  };
  let checking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const began_ms = performance.now();
    try {
      const answer = await within(LIMITS.adapter_check_ms_max, ask());
      if (answer === TOO_LATE) {
        throw new StoreError('unavailable', 'it does not answer', { subject: 'adapter' });
      }
      const server = answer ?? seen.server;
      seen = { reachable: true, latency_ms: performance.now() - began_ms, checked_at_ms: Date.now(), server };
    } catch (error) {
      errors.note(error);
      seen = { reachable: false, latency_ms: null, checked_at_ms: Date.now(), server: seen.server };
    }
  }

  const known = (): AdapterReport => ({
    name: adapter.name,
    type,
    provider,
    capabilities: adapter.capabilities,
    ...seen,
    last_error: errors.last(),
    feed: feed(),
  });
  const refresh = (): Promise<void> => {
    if (seen.checked_at_ms !== null && Date.now() - seen.checked_at_ms < LIMITS.adapter_check_age_ms_max) {
      return Promise.resolve();
    }
    checking ??= look().finally(() => {
      checking = null;
    });
    return checking;
  };
  return {
    known() {
      void refresh();
      return known();
    },
    async check() {
      await refresh();
      return known();
    },
  };
}

/** Nobody can have made a bucket of such a name to make us believe that the store is closed to us; that it is not there is an answer. */
const NO_BUCKET = `backup-node-reachability-${randomBytes(8).toString('hex')}`;

export async function askForBucket(adapter: Adapter): Promise<null> {
  try {
    await adapter.headBucket({ bucket: NO_BUCKET });
  } catch (error) {
    if (!isStoreError(error, 'not_found')) throw error;
  }
  return null;
}

export interface ErrorNote {
  readonly adapter: Adapter;
  note(error: unknown): void;
  last(): AdapterReport['last_error'];
}

const TROUBLE: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'access_denied',
  'throttled',
  'corrupt',
  'no_space',
  'unavailable',
  'unexpected',
]);

/** An adapter that remembers the newest of its failures. */
export function noteErrors(inner: Adapter): ErrorNote {
  let last: AdapterReport['last_error'] = null;
  const note = (error: unknown) => {
    if (isStoreError(error) && TROUBLE.has(error.kind)) last = { kind: error.kind, at_ms: Date.now() };
  };
  const adapter = aroundCalls(inner, async (_method, input, run) => {
    try {
      return await run(input);
    } catch (error) {
      note(error);
      throw error;
    }
  });
  return { adapter, note, last: () => last };
}
