import type {
  DeleteMarker,
  ListEntry,
  ListVersionsInput,
  ListVersionsResult,
  VersionEntry,
  VersionPosition,
} from '../contract/index.js';
import type { LocalContext } from './context.js';
import {
  BUCKET_ID_BYTES,
  bucketKey,
  groupedKey,
  rawObjectKey,
  readGroupedKey,
  successor,
} from './index/keys.js';
import type { ObjectRecord } from './index/records.js';
import type { BucketRecord } from './index/tables.js';
import { commonPrefix, listStart } from './list-prefix.js';
import { objectInfo, versionId } from './object-info.js';
import { findLatest, findVersion, type Subject, subjectOf } from './version-store.js';

interface Row {
  readonly key: Buffer;
  readonly record: ObjectRecord;
}

/** Rows of one table in the order of their keys. Used within one turn of the event loop only. */
interface Rows {
  peek(): Row | undefined;
  step(): void;
  /** Goes on at the first key that is not below `key`. */
  seek(key: Buffer): void;
  close(): void;
}

/** Live latest versions and all others lie in two tables; the listing merges them key by key. */
export async function listVersions(
  context: LocalContext,
  input: ListVersionsInput,
): Promise<ListVersionsResult> {
  const bucket = context.buckets.read(input.bucket);
  const prefix = Buffer.from(input.prefix ?? '', 'utf8');
  const delimiter = Buffer.from(input.delimiter ?? '', 'utf8');
  const resume = resumeWithin(context, bucket, input.after);
  const after = input.after === undefined ? undefined : Buffer.from(input.after.key, 'utf8');
  const start = resume === undefined ? listStart(prefix, delimiter, after) : resume.subject.raw_key;
  if (start === undefined) return { entries: [], next: null };
  const merged = mergeRows(liveRows(context, bucket, start), otherRows(context, bucket, start));
  try {
    return collect(context, { input, prefix, delimiter, resume, merged, bucket });
  } finally {
    merged.close();
  }
}

interface Resume {
  readonly subject: Subject;
  /** Versions from this one on were on the page before. */
  readonly sequence: number;
}

/** Undefined when the page begins at a key: no version was given, or it is no longer there to say where it stood. */
function resumeWithin(
  context: LocalContext,
  bucket: BucketRecord,
  after: VersionPosition | undefined,
): Resume | undefined {
  if (after?.version_id === undefined) return undefined;
  const subject = subjectOf(bucket, after.key);
  const found = findVersion(context, subject, after.version_id);
  if (found !== undefined) return { subject, sequence: found.record.sequence };
  // A version that was deleted since still says where it stood; the null version does not.
  const sequence = Number.parseInt(after.version_id.slice(0, 12), 16);
  return Number.isNaN(sequence) ? undefined : { subject, sequence };
}

interface Page {
  readonly input: ListVersionsInput;
  readonly prefix: Buffer;
  readonly delimiter: Buffer;
  readonly resume: Resume | undefined;
  readonly merged: Rows;
  readonly bucket: BucketRecord;
}

function collect(context: LocalContext, page: Page): ListVersionsResult {
  const { input, prefix, delimiter, resume, merged } = page;
  const entries: ListEntry<VersionEntry>[] = [];
  let next: VersionPosition | null = null;
  let previous: Buffer | undefined;
  for (let row = merged.peek(); row !== undefined; row = merged.peek()) {
    const resumed = resume?.subject.raw_key.equals(row.key) === true;
    if (resumed && row.record.sequence >= (resume?.sequence ?? 0)) {
      merged.step();
      continue;
    }
    if (!row.key.subarray(0, prefix.length).equals(prefix)) break;
    if (entries.length === input.limit) return { entries, next };
    const common = delimiter.length === 0 ? 0 : commonPrefix(row.key, prefix.length, delimiter);
    if (common > 0) {
      const text = row.key.toString('utf8', 0, common);
      // Where the page before ended inside a common prefix, that was told then.
      if (!resumed) entries.push({ type: 'prefix', prefix: text });
      next = { key: text };
      const beyond = successor(row.key.subarray(0, common));
      if (beyond === undefined) break;
      merged.seek(beyond);
      continue;
    }
    const is_latest = resumed
      ? findLatest(context, subjectOf(page.bucket, resume?.subject.key ?? ''))?.sequence ===
        row.record.sequence
      : previous?.equals(row.key) !== true;
    const item = versionEntry(row.record, row.key.toString('utf8'), is_latest);
    entries.push({ type: 'item', item });
    next = { key: item.key, version_id: item.version_id };
    previous = row.key;
    merged.step();
  }
  return { entries, next: null };
}

function versionEntry(record: ObjectRecord, key: string, is_latest: boolean): VersionEntry {
  if (!record.delete_marker) return { delete_marker: false, ...objectInfo(record, key, is_latest) };
  const marker: DeleteMarker = {
    key,
    version_id: versionId(record),
    is_latest,
    modified_at_ms: record.modified_at_ms,
    owner: record.owner,
  };
  return { delete_marker: true, ...marker };
}

/** The live one of a key is its newest, so it comes first. */
function mergeRows(live: Rows, others: Rows): Rows {
  const first = (): Rows => {
    const a = live.peek();
    const b = others.peek();
    if (a === undefined) return others;
    return b === undefined || Buffer.compare(a.key, b.key) <= 0 ? live : others;
  };
  return {
    peek: () => first().peek(),
    step: () => first().step(),
    seek(key) {
      live.seek(key);
      others.seek(key);
    },
    close() {
      live.close();
      others.close();
    },
  };
}

function liveRows(context: LocalContext, bucket: BucketRecord, start: Buffer): Rows {
  return createRows(start, {
    end: successor(bucketKey(bucket.id)),
    encode: (key) => rawObjectKey(bucket.id, key),
    decode: (key) => Buffer.from(key.subarray(BUCKET_ID_BYTES)),
    range: (options) => context.tables.objects.getRange(options),
  });
}

function otherRows(context: LocalContext, bucket: BucketRecord, start: Buffer): Rows {
  return createRows(start, {
    end: successor(bucketKey(bucket.id)),
    encode: (key) => groupedKey(bucket.id, key),
    decode: (key) => readGroupedKey(key).key,
    range: (options) => context.tables.versions.getRange(options),
  });
}

interface RowSource {
  readonly end: Buffer | undefined;
  encode(key: Buffer): Buffer;
  decode(key: Buffer): Buffer;
  range(options: { start: Buffer; end?: Buffer }): Iterable<{ key: Buffer; value: ObjectRecord }>;
}

function createRows(from: Buffer, source: RowSource): Rows {
  let iterator: Iterator<{ key: Buffer; value: ObjectRecord }> | undefined;
  let row: Row | undefined;

  function step(): void {
    const result = iterator?.next();
    if (result === undefined || result.done === true) {
      row = undefined;
      iterator = undefined;
    } else row = { key: source.decode(result.value.key), record: result.value.value };
  }
  function close(): void {
    iterator?.return?.();
    iterator = undefined;
  }
  function seek(key: Buffer): void {
    if (row !== undefined && Buffer.compare(row.key, key) >= 0) return;
    if (row === undefined && iterator === undefined && started) return;
    close();
    const { end } = source;
    const range = source.range({ start: source.encode(key), ...(end && { end }) });
    iterator = range[Symbol.iterator]();
    started = true;
    step();
  }
  let started = false;
  seek(from);
  return { peek: () => row, step, seek, close };
}
