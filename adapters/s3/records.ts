import { LIMITS } from '../../config/limits.js';
import { isStoreError, StoreError } from '../contract/index.js';
import { bareEtag, text } from './attributes.js';
import { createBrief } from './brief.js';
import { isCredentialRefusal, toStoreError } from './errors.js';
import { listNames, listSomeNames, type NamePage } from './list-names.js';
import type { ReservedBuckets } from './reserved-buckets.js';
import type { Upstream } from './upstream.js';

/**
 * Small texts in a reserved bucket of the upstream, so that every node over it sees them: bucket documents, who made a
 * bucket, who began an upload. The bucket is made when the first text is written.
 */
export interface Records {
  readonly bucket: string;
  read(path: string, signal?: AbortSignal): Promise<StoredRecord | null>;
  /** As it was at most `upstream_bucket_info_ms` ago, unless it was changed here: for what every write asks for. */
  readRecent(path: string, signal?: AbortSignal): Promise<StoredRecord | null>;
  /**
   * With `if_etag` (null: must not exist) it is atomic, where the upstream has conditional writes: precondition_failed
   * when another writer was first. Returns the new ETag.
   */
  write(path: string, content: string, options?: WriteOptions): Promise<string>;
  remove(path: string, signal?: AbortSignal): Promise<void>;
  /** Names under the path, without it. */
  list(path: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Up to `limit` names under the path with their ETags, in folders below it too, behind `after` (empty: from the first). */
  listSome(path: string, after: string, limit: number, signal?: AbortSignal): Promise<NamePage>;
}

interface StoredRecord {
  readonly content: string;
  readonly etag: string;
}

interface WriteOptions {
  readonly if_etag?: string | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often a write is tried again that met another one (409 ConditionalRequestConflict). */
const CONFLICTS_MAX = 3;

export function createRecords(upstream: Upstream, bucket: string, reserved: ReservedBuckets): Records {
  async function write(
    path: string,
    content: string,
    { if_etag, signal }: WriteOptions = {},
  ): Promise<string> {
    const condition =
      if_etag === undefined
        ? {}
        : if_etag === null
          ? { 'if-none-match': '*' }
          : { 'if-match': `"${if_etag}"` };
    const { headers } = await upstream.sendForText({
      method: 'PUT',
      bucket,
      key: path,
      headers: { 'content-type': 'application/json', ...condition },
      body: Buffer.from(content),
      signal,
    });
    return bareEtag(text(headers, 'etag') ?? '');
  }

  async function writeHard(path: string, content: string, options: WriteOptions = {}): Promise<string> {
    await reserved.ensureOurs(bucket, options.signal);
    for (let round = 1; ; round++) {
      try {
        return await write(path, content, options);
      } catch (cause) {
        const error = toStoreError(cause);
        if (isStoreError(error, 'not_found') && error.subject === 'bucket') {
          await reserved.create(bucket, options.signal);
        } else if (isConditionFailure(error)) {
          if (error.kind === 'conflict' && round <= CONFLICTS_MAX) continue;
          throw new StoreError('precondition_failed', 'another writer was first', { subject: 'document' });
        } else throw error;
        if (round > CONFLICTS_MAX) throw error;
      }
    }
  }

  /**
   * What the bucket says, once it is known to be ours; `none` where there is nothing. It is not made for that: before the
   * first record is written there is none.
   */
  async function ask<Answer, None>(
    question: Promise<Answer>,
    none: None,
    signal: AbortSignal | undefined,
  ): Promise<Answer | None> {
    try {
      const answer = await question;
      await reserved.ensureOurs(bucket, signal);
      return answer;
    } catch (error) {
      if (isStoreError(error, 'not_found') && error.subject === 'bucket') {
        reserved.forget(bucket);
        return none;
      }
      const is_absent = isStoreError(error, 'not_found');
      // A stranger's bucket may be closed to us, too.
      const is_closed = isStoreError(error, 'access_denied') && !isCredentialRefusal(error);
      if (is_absent || is_closed) await reserved.ensureOurs(bucket, signal);
      if (is_absent) return none;
      throw error;
    }
  }

  async function get(path: string, signal: AbortSignal | undefined): Promise<StoredRecord> {
    const answer = await upstream.sendForText({ method: 'GET', bucket, key: path, signal });
    return { content: answer.text, etag: bareEtag(text(answer.headers, 'etag') ?? '') };
  }

  const read = (path: string, signal?: AbortSignal) => ask(get(path, signal), null, signal);

  const recent = createBrief({
    read: (path) => read(path),
    kept_ms: LIMITS.upstream_bucket_info_ms,
    entries_max: LIMITS.upstream_records_known_max,
  });

  async function changing<Result>(path: string, change: () => Promise<Result>): Promise<Result> {
    recent.forget(path);
    try {
      return await change();
    } finally {
      recent.forget(path);
    }
  }

  return {
    bucket,
    read,
    async readRecent(path, signal) {
      const record = await recent.get(path);
      signal?.throwIfAborted();
      if (record !== null && record.content.length > LIMITS.upstream_record_kept_bytes_max)
        recent.forget(path);
      return record;
    },
    write: (path, content, options) => changing(path, () => writeHard(path, content, options)),
    async remove(path, signal) {
      const send = () => upstream.sendForText({ method: 'DELETE', bucket, key: path, signal });
      await changing(path, () => ask(send(), undefined, signal));
    },
    list: (path, signal) => ask(listNames(upstream, bucket, path, signal), [], signal),
    listSome: (path, after, limit, signal) =>
      ask(
        listSomeNames(upstream, bucket, { prefix: path, after, limit }, signal),
        { entries: [], next: null },
        signal,
      ),
  };
}

/** If-Match without an object is 404 on some servers, 412 on others. */
function isConditionFailure(error: StoreError): boolean {
  return ['precondition_failed', 'conflict', 'not_found'].includes(error.kind);
}
