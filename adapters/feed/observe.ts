import {
  type Adapter,
  isStoreError,
  type ListEntry,
  type ObjectInfo,
  type VersionEntry,
} from '../contract/index.js';
import type { KnownVersion, NewChange } from './change-log.js';

/** What is seen upstream, and how it differs from what the feed has told of. */

type Upstream = Pick<
  Adapter,
  'capabilities' | 'headObject' | 'headBucket' | 'listObjects' | 'listVersions' | 'listBuckets'
>;

/** A version upstream, newest first among those of its key. */
export type Seen = Omit<KnownVersion, 'modified_at_ms'> & { readonly modified_at_ms: number };

function seenObject({ key, version_id, etag, size_bytes, modified_at_ms }: ObjectInfo): Seen {
  return { key, version_id, etag, size_bytes, modified_at_ms, delete_marker: false };
}

function seenVersion(entry: VersionEntry): Seen {
  if (!entry.delete_marker) return seenObject(entry);
  const { key, version_id, modified_at_ms } = entry;
  return { key, version_id, etag: '', size_bytes: 0, modified_at_ms, delete_marker: true };
}

function items<T>(entries: readonly ListEntry<T>[]): T[] {
  return entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
}

export interface SeenPage {
  readonly versions: readonly Seen[];
  /** All versions of all keys up to this one have been seen; null: of the whole bucket. */
  readonly through: string | null;
  /** Its key has more versions than are looked at: those that are not seen may be there. */
  readonly partial?: true;
}

/**
 * All versions of a bucket behind the key `after`, in pages of whole keys. The versions of one key are held together up to
 * `versions_max`; of a key with more of them the rest is not looked at.
 */
export async function* seePages(
  upstream: Upstream,
  bucket: string,
  options: {
    readonly after: string | null;
    readonly prefix?: string;
    readonly versions_max: number;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<SeenPage> {
  const { after, prefix, versions_max, signal } = options;
  const limit = upstream.capabilities.list_limit_max;
  const asked = { bucket, limit, signal, ...(prefix === undefined ? {} : { prefix }) };
  if (!upstream.capabilities.versioning) {
    for (let from = after; ; ) {
      const page = await upstream.listObjects({ ...asked, ...(from === null ? {} : { after: from }) });
      yield { versions: items(page.entries).map(seenObject), through: page.next };
      if (page.next === null) return;
      from = page.next;
    }
  }
  let carried: Seen[] = [];
  for (let from = after === null ? undefined : { key: after }; ; ) {
    const page = await upstream.listVersions({ ...asked, ...(from === undefined ? {} : { after: from }) });
    const seen = [...carried, ...items(page.entries).map(seenVersion)];
    if (page.next === null) {
      yield { versions: seen, through: null };
      return;
    }
    // The last key may have more versions on the next page.
    const last = seen.at(-1)?.key;
    carried = seen.filter(({ key }) => key === last);
    const whole = seen.slice(0, seen.length - carried.length);
    const through = whole.at(-1)?.key;
    if (through !== undefined) yield { versions: whole, through };
    const too_many = carried.length > versions_max;
    from = page.next;
    if (!too_many || last === undefined) continue;
    yield { versions: carried, through: last, partial: true };
    from = { key: last };
    carried = [];
  }
}

/** Times that the upstream told in an answer are rough; these two are the same write. */
function isSame(known: KnownVersion, seen: Seen): boolean {
  if (known.delete_marker !== seen.delete_marker) return false;
  if (known.delete_marker) return true;
  if (known.etag !== seen.etag || known.size_bytes !== seen.size_bytes) return false;
  // Versions other than the null one never change.
  return (
    seen.version_id !== 'null' ||
    known.modified_at_ms === null ||
    known.modified_at_ms === seen.modified_at_ms
  );
}

export function putOf(bucket: string, seen: Seen): NewChange {
  return { ...bare(bucket, seen), type: seen.delete_marker ? 'delete_marker' : 'put' };
}

export function deleteOf(
  bucket: string,
  { key, version_id }: { key: string; version_id: string },
): NewChange {
  return { type: 'delete', bucket, key, version_id, etag: '', size_bytes: 0, modified_at_ms: null };
}

function bare(bucket: string, { key, version_id, etag, size_bytes, modified_at_ms }: Seen) {
  return { bucket, key, version_id, etag, size_bytes, modified_at_ms };
}

interface Difference {
  /** Newest last, so that the last change of a key is what the key holds; deletes first. */
  readonly changes: NewChange[];
  /** The same writes, their times now known exactly. */
  readonly exact: NewChange[];
}

/** The versions of one key: seen ones newest first. */
function compareKey(bucket: string, seen: readonly Seen[], known: readonly KnownVersion[]): Difference {
  const told = new Map(known.map((version) => [version.version_id, version]));
  const changes: NewChange[] = [];
  const exact: NewChange[] = [];
  for (const version of seen.toReversed()) {
    const before = told.get(version.version_id);
    told.delete(version.version_id);
    if (before === undefined || !isSame(before, version)) changes.push(putOf(bucket, version));
    else if (before.modified_at_ms === null) exact.push(putOf(bucket, version));
  }
  return { changes: [...Array.from(told.values(), (gone) => deleteOf(bucket, gone)), ...changes], exact };
}

export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Takes one key after the other off an ascending sequence. */
function keyGroups<T extends { readonly key: string }>(source: Iterable<T>) {
  const iterator = source[Symbol.iterator]();
  let ahead = iterator.next();
  return {
    get key(): string | null {
      return ahead.done === true ? null : ahead.value.key;
    },
    take(): T[] {
      const group: T[] = [];
      const key = this.key;
      while (ahead.done !== true && ahead.value.key === key) {
        group.push(ahead.value);
        ahead = iterator.next();
      }
      return group;
    },
  };
}

/** Both ascending by key; ends where both end. */
export function* compare(
  bucket: string,
  seen: Iterable<Seen>,
  known: Iterable<KnownVersion>,
): Generator<Difference> {
  const upstream = keyGroups(seen);
  const told = keyGroups(known);
  for (;;) {
    const [a, b] = [upstream.key, told.key];
    if (a === null && b === null) return;
    const order = a === null ? 1 : b === null ? -1 : byBytes(a, b);
    const seen_here = order <= 0 ? upstream.take() : [];
    const known_here = order >= 0 ? told.take() : [];
    yield compareKey(bucket, seen_here, known_here);
  }
}

/** What the key shows to a reader; undefined: the upstream cannot say now. */
export async function headKey(
  upstream: Upstream,
  bucket: string,
  key: string,
): Promise<Seen | null | undefined> {
  try {
    return seenObject((await upstream.headObject({ bucket, key })).info);
  } catch (error) {
    if (!isStoreError(error)) return undefined;
    const { version_id, modified_at_ms, delete_marker } = error.detail;
    if (error.kind === 'delete_marker' || delete_marker === true) {
      const at = typeof modified_at_ms === 'number' ? modified_at_ms : 0;
      const id = typeof version_id === 'string' ? version_id : 'null';
      return { key, version_id: id, etag: '', size_bytes: 0, modified_at_ms: at, delete_marker: true };
    }
    return error.kind === 'not_found' ? null : undefined;
  }
}

export async function bucketThere(upstream: Upstream, bucket: string, signal?: AbortSignal) {
  try {
    return await upstream.headBucket({ bucket, signal });
  } catch (error) {
    if (isStoreError(error, 'not_found')) return null;
    throw error;
  }
}
