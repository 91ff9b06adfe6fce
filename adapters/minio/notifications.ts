import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/limits.js';
import { DOCUMENTS_BUCKET } from '../../config/reserved-names.js';
import { isStoreError } from '../contract/index.js';
import { addressesOf, failureOf, type MinioOptions, type OpenClient, openClient } from './client.js';
import { EVENTS } from './events.js';

/**
 * One listener for all buckets, those that are made later too: MinIO's ListenNotification without a bucket. The client's
 * own poller asks again by itself when its stream ends, and does not say so; here every interruption is seen, because
 * whatever happened meanwhile is lost to the listener.
 */
export interface Notifications {
  status(): NotificationStatus;
  close(): Promise<void>;
}

export interface NotificationStatus {
  readonly connected: boolean;
  readonly last_record_at_ms: number | null;
  /** The server sends records only when its buffer is full, so it is filled every few seconds. */
  readonly flushing: boolean;
  readonly last_error: string | null;
}

export interface NotificationOptions {
  readonly minio: MinioOptions;
  /**
   * In order. What it returns is waited for now and then, so that records do not pile up; where it fails, the stream ends,
   * so that the next one makes up for the record.
   */
  readonly onRecord: (record: unknown) => Promise<void>;
  /** A stream begins: what was before it may have been missed. */
  readonly onConnect: () => Promise<void>;
}

export function listenToMinio({ minio, onRecord, onConnect }: NotificationOptions): Notifications {
  const closing = new AbortController();
  let connected = false;
  let last_record_at_ms: number | null = null;
  let last_error: string | null = null;
  let flush_error: string | null = null;
  let flushing = false;
  /** Streams, one behind the other, that were given up because nothing came. */
  let silent_streams = 0;

  /** A server that sends what it has answers at once, and says something every second. */
  function watchStream(opened: OpenClient): StreamWatch {
    let heard_at_ms = Date.now();
    let is_filling = false;
    let is_denied = false;
    let is_waiting = false;
    let is_over = false;
    flushing = false;
    if (flush_error !== 'access_denied') flush_error = null;
    const flush = async () => {
      is_filling = true;
      const error = await fillBuffer(opened, minio.documents_bucket ?? DOCUMENTS_BUCKET).then(
        () => null,
        kindOf,
      );
      is_filling = false;
      if (is_over) return;
      flush_error = error;
      if (error !== 'access_denied') return;
      // Records come when others fill the buffer, and scheduled reconciliation finds what they leave out.
      is_denied = true;
      flushing = false;
    };
    const timer = setInterval(() => {
      if (is_waiting) return;
      const silent_ms = Date.now() - heard_at_ms;
      if (silent_ms > silenceMax(silent_streams)) {
        silent_streams += 1;
        return opened.close();
      }
      if (is_filling || is_denied) return;
      if (silent_ms > LIMITS.minio_flush_interval_ms * 1.5) flushing = true;
      if (flushing) void flush();
    }, LIMITS.minio_flush_interval_ms).unref();
    return {
      heard() {
        heard_at_ms = Date.now();
        if (flush_error !== 'access_denied') silent_streams = 0;
      },
      async waitFor(work) {
        is_waiting = true;
        await work;
        is_waiting = false;
        heard_at_ms = Date.now();
      },
      end() {
        is_over = true;
        clearInterval(timer);
      },
    };
  }

  async function listenOnce(opened: OpenClient): Promise<void> {
    const { client } = opened;
    const watch = watchStream(opened);
    let unwritten_error: unknown;
    const giveUp = (error: unknown) => {
      unwritten_error ??= error;
      opened.close();
    };
    try {
      // The client signs a query as it is given: sorted, as the server sorts it.
      const query = [
        ...EVENTS.map((name) => `events=${encodeURIComponent(name).replace('*', '%2A')}`).sort(),
        'ping=1',
      ];
      const answer = await client.makeRequestAsync(
        { method: 'GET', query: query.join('&') },
        '',
        [200],
        minio.region,
      );
      connected = true;
      last_error = null;
      await watch.waitFor(onConnect());
      let unwritten = 0;
      for await (const line of linesOf(answer, watch.heard)) {
        for (const record of recordsOf(line)) {
          last_record_at_ms = Date.now();
          const written = onRecord(record);
          unwritten = (unwritten + 1) % LIMITS.minio_records_unwritten_max;
          if (unwritten === 0) await watch.waitFor(written);
          else written.catch(giveUp);
        }
      }
    } catch (error) {
      throw unwritten_error ?? error;
    } finally {
      connected = false;
      watch.end();
    }
  }

  async function run(): Promise<void> {
    const addresses = addressesOf(minio);
    for (let failures = 0, attempt = 0; !closing.signal.aborted; attempt++) {
      const began_at_ms = Date.now();
      let opened: OpenClient | undefined;
      const stop = () => opened?.close();
      try {
        opened = await openClient(addresses[attempt % addresses.length] ?? minio, closing.signal);
        closing.signal.addEventListener('abort', stop, { once: true });
        if (!closing.signal.aborted) await listenOnce(opened);
      } catch (error) {
        last_error = kindOf(error);
        minio.credentials.noteFailure(failureOf(error));
      } finally {
        closing.signal.removeEventListener('abort', stop);
        opened?.close();
      }
      failures = Date.now() - began_at_ms > LIMITS.feed_retry_ms_max ? 1 : failures + 1;
      await pause(failures, closing.signal);
    }
  }

  const running = run();
  return {
    status: () => ({ connected, last_record_at_ms, flushing, last_error: last_error ?? flush_error }),
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** Whether anything comes on a stream. */
interface StreamWatch {
  heard(): void;
  /** Our own work, during which nothing is read: that is no silence of the server's. */
  waitFor(work: Promise<void>): Promise<void>;
  end(): void;
}

function silenceMax(silent_streams: number): number {
  return Math.min(
    LIMITS.minio_long_silence_ms_max,
    LIMITS.minio_silence_ms_max * 2 ** Math.min(silent_streams, 20),
  );
}

/** Capped, with full jitter. Ends at once when the signal aborts. */
async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const wait_ms = Math.random() * Math.min(LIMITS.feed_retry_ms_max, 100 * 2 ** Math.min(failures, 10));
  await sleep(wait_ms, undefined, { signal, ref: false }).catch(() => undefined);
}

function kindOf(error: unknown): string {
  const { kind } = failureOf(error);
  return isStoreError(error) || kind === 'access_denied' ? kind : 'unavailable';
}

async function* linesOf(stream: AsyncIterable<Buffer>, heard: () => void): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    heard();
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString('utf8').trim();
      rest = rest.subarray(end + 1);
      if (line !== '') yield line;
    }
    if (rest.length > LIMITS.minio_record_bytes_max) throw new Error('a record is too long');
  }
}

function recordsOf(line: string): unknown[] {
  const { Records } = JSON.parse(line) as { Records?: unknown };
  return Array.isArray(Records) ? Records : [];
}

/** MinIO escapes `<` in records to six characters: more than its two buffers of 2 and 4 KiB hold. */
const PADDING = '<'.repeat(1_400);
const FLUSH_KEY = 'feed/flush';

/**
 * Releases of 2025 and later lack the flush behind each record (their response writer hides it), so records would wait for
 * others to come. A record of our own that is larger than the buffers pushes them out.
 */
async function fillBuffer({ client }: OpenClient, bucket: string): Promise<void> {
  const write = () => client.putObject(bucket, FLUSH_KEY, '', 0, { 'x-amz-meta-padding': PADDING });
  await write().catch(async (error: { code?: unknown }) => {
    if (error.code !== 'NoSuchBucket') throw error;
    await client.makeBucket(bucket).catch((failed: { code?: unknown }) => {
      if (failed.code !== 'BucketAlreadyOwnedByYou' && failed.code !== 'BucketAlreadyExists') throw failed;
    });
    await write();
  });
}
