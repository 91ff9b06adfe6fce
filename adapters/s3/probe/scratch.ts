import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { children, childText } from '../../../src/wire/xml.js';
import { nameReader } from '../listing.js';
import type { UpstreamRequest } from '../upstream.js';
import { type Answer, type Calls, documentOf, xmlBody } from './calls.js';

/** Buckets that are made for a probe alone, under names that nobody else has. */
export interface Scratch {
  /** Makes one more, and remembers it before it is there. The upstream may refuse. */
  create(purpose: string, headers?: UpstreamRequest['headers']): Promise<{ bucket: string; answer: Answer }>;
  /** The time until which a scratch object may be locked. */
  lockUntil(): number;
  /** Removes all of it; with calls of its own, because those of the probe end with its signal. Names of what is left. */
  remove(calls: Calls): Promise<readonly string[]>;
}

/** How long a lock on a scratch object lasts, should the upstream not let it be bypassed; clocks may differ a little. */
const LOCK_MS = 30_000;
const CLOCKS_DIFFER_MS = 3_000;
const UNANSWERED_MS = 1_000;
const ROUNDS_MAX = 4;
const ROUND_DELAY_MS = 100;

export function createScratch(calls: Calls, prefix: string, region: string): Scratch {
  const made: string[] = [];
  const unanswered = new Set<string>();
  const run = randomBytes(5).toString('hex');
  let locks_end_ms = 0;
  return {
    async create(purpose, headers = {}) {
      const bucket = `${prefix}-${run}-${purpose}`;
      made.push(bucket);
      unanswered.add(bucket);
      const place = inRegion(region);
      const request = { method: 'PUT', bucket, ...place, headers: { ...place.headers, ...headers } } as const;
      const answer = await calls.send(request);
      unanswered.delete(bucket);
      return { bucket, answer };
    },
    lockUntil() {
      locks_end_ms = Date.now() + LOCK_MS;
      return locks_end_ms;
    },
    async remove(cleaning) {
      for (const { bucket, key, upload_id } of calls.begun) {
        const query = { uploadId: upload_id };
        await cleaning.send({ method: 'DELETE', bucket, key, query }).catch(() => undefined);
      }
      const left: string[] = [];
      // What was interrupted may still be under way there.
      if (unanswered.size > 0) await delay(UNANSWERED_MS);
      for (const bucket of made) {
        const keys = [...(calls.written.get(bucket) ?? [])];
        const gone = await removeBucket(cleaning, bucket, keys).catch(() => false);
        if (!gone) left.push(bucket);
      }
      if (left.length === 0 || locks_end_ms < Date.now()) return left;
      // Only a lock that cannot be bypassed keeps an object; it ends by itself.
      await delay(locks_end_ms + CLOCKS_DIFFER_MS - Date.now());
      const gone = await Promise.all(
        left.map((bucket) => removeBucket(cleaning, bucket, []).catch(() => false)),
      );
      return left.filter((_, index) => gone[index] !== true);
    },
  };
}

/** S3 API reference, "CreateBucket": us-east-1 must not be named, any other region must. */
function inRegion(region: string): Pick<UpstreamRequest, 'body' | 'headers'> {
  if (region === 'us-east-1') return {};
  return xmlBody(
    `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`,
  );
}

async function removeBucket(calls: Calls, bucket: string, written: readonly string[]): Promise<boolean> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    // Some servers show other names than they keep. In versioned buckets this makes delete markers, which are listed.
    if (round === 1)
      await removeAll(
        calls,
        bucket,
        written.map((key) => ({ key, version_id: undefined })),
      );
    await empty(calls, bucket);
    const { ok, refusal } = await calls.send({ method: 'DELETE', bucket });
    if (ok || refusal.startsWith('404')) return true;
    await delay(ROUND_DELAY_MS * 2 ** round);
  }
  return false;
}

interface Found {
  readonly key: string;
  readonly version_id: string | undefined;
}

async function empty(calls: Calls, bucket: string): Promise<void> {
  const versions = await listAll(calls, bucket, { versions: '' }, 'ListVersionsResult');
  const found =
    versions.length > 0 ? versions : await listAll(calls, bucket, { 'list-type': 2 }, 'ListBucketResult');
  await removeAll(calls, bucket, found);
  // Delete markers of the version `null` go only this way on some servers.
  const named = versions.filter(({ version_id }) => version_id === 'null');
  if (named.length > 0) await calls.send(batchRequest(bucket, named));
}

async function removeAll(calls: Calls, bucket: string, found: readonly Found[]): Promise<void> {
  for (const { key, version_id } of found) {
    await calls.send({
      method: 'DELETE',
      bucket,
      key,
      query: { versionId: version_id },
      headers: { 'x-amz-bypass-governance-retention': 'true' },
    });
  }
}

/** The first page is all that is needed: what is found is deleted before the next look. */
async function listAll(
  calls: Calls,
  bucket: string,
  what: UpstreamRequest['query'],
  root: string,
): Promise<Found[]> {
  const query = { ...what, 'encoding-type': 'url', 'max-keys': 1_000 };
  const answer = await calls.send({ method: 'GET', bucket, query });
  if (!answer.ok) return [];
  try {
    const listing = documentOf(answer, root);
    const read = nameReader(listing);
    return ['Contents', 'Version', 'DeleteMarker'].flatMap((name) =>
      children(listing, name).map((entry) => ({
        key: read(entry, 'Key'),
        version_id: childText(entry, 'VersionId'),
      })),
    );
  } catch {
    return [];
  }
}

const escapeKey = (key: string): string =>
  key.replaceAll(/[&<>\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);

/** DeleteObjects. */
export function batchRequest(
  bucket: string,
  objects: readonly { readonly key: string; readonly version_id?: string | undefined }[],
): UpstreamRequest {
  const named = objects.map(({ key, version_id }) => {
    const version = version_id === undefined ? '' : `<VersionId>${version_id}</VersionId>`;
    return `<Object><Key>${escapeKey(key)}</Key>${version}</Object>`;
  });
  const document = `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${named.join('')}</Delete>`;
  return { method: 'POST', bucket, query: { delete: '' }, ...xmlBody(document) };
}
