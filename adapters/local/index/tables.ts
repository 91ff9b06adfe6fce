import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import {
  type ObjectAttributes,
  StoreError,
  type UploadInfo,
  type VersioningState,
} from '../../contract/index.js';
import {
  type BlobRow,
  blobEncoder,
  manifestEncoder,
  type PartRecord,
  partEncoder,
  type SmallRow,
  smallEncoder,
} from './content-records.js';
import { type ObjectRecord, objectEncoder } from './records.js';

/** Rises when a release cannot read what the one before it wrote. */
const FORMAT_VERSION = 1;

export interface BucketRecord {
  /** Never used again, so that what a deleted bucket left behind can never show up in a new one. */
  readonly id: number;
  readonly name: string;
  readonly created_at_ms: number;
  readonly owner: string;
  readonly versioning: VersioningState;
  readonly object_lock: boolean;
  readonly region: string;
}

type Table<Value> = Database<Value, Buffer>;

/** The whole index: what is stored under which key is said in keys.ts. */
export interface Tables {
  readonly env: RootDatabase<unknown, Buffer>;
  /** `format_version`, and `sequence`: the highest that was given out. */
  readonly meta: Table<number>;
  /** By name. */
  readonly buckets: Table<BucketRecord>;
  /** Bucket id · kind. */
  readonly documents: Table<{ readonly content: string; readonly etag: string }>;
  /** By bucket id; its counters as four numbers. */
  readonly usage: Table<readonly [number, number, number, number]>;
  /** The latest version of each key that has a live one: all that a plain bucket ever needs, and all that a listing walks. */
  readonly objects: Table<ObjectRecord>;
  /** Every other version, and every delete marker. */
  readonly versions: Table<ObjectRecord>;
  /** Where among `versions` the null version of a key is: its sequence. */
  readonly null_versions: Table<number>;
  /**
   * Contents that live in the index, by sequence. They belong to one version each: sharing them by digest would cost
   * every small write a second page at a random place (measured: 4,600 instead of 9,700 writes per second).
   */
  readonly small: Table<SmallRow>;
  /** By blob id: the files of the blob store and who refers to them. */
  readonly blobs: Table<BlobRow>;
  /** Ids of the keys that content here is encrypted with. */
  readonly data_keys: Table<Buffer>;
  /** By the sequence of the version that they were made for. */
  readonly manifests: Table<readonly PartRecord[]>;
  readonly manifest_references: Table<number>;
  readonly uploads: Table<UploadRecord>;
  readonly parts: Table<PartRecord>;
  /** Uploads that were completed lately, so that asking again gives the same answer. */
  readonly completed: Table<CompletedRecord>;
  readonly changes: Table<Buffer>;
  /** Time (6) · kind (1) · id: what nothing refers to any more, in the order in which it may go. */
  readonly garbage: Table<Buffer>;
}

/** The bucket and the key are in its own key. */
export interface UploadRecord {
  readonly created_at_ms: number;
  /** Of the object to be. */
  readonly attributes: ObjectAttributes;
  readonly initiator: string;
  /** What the client asked for; null when it left it to the default. */
  readonly checksum: UploadInfo['checksum'];
}

interface CompletedRecord {
  /** Of the version that came out of it. */
  readonly sequence: number;
  /** Digest of the part list that was given. */
  readonly parts: string;
}

export interface OpenTablesOptions {
  readonly page_bytes?: number;
}

/** Durable writes of 4 KiB at 4, 8 and 16 KiB pages: 10,600, 10,000 and 9,500 per second, within the noise of each other. */
const PAGE_BYTES = 8_192;
const TABLES_MAX = 24;

/** Opens or creates the environment in `<path>/index`. The caller holds the folder's lock. */
export function openTables(path: string, options: OpenTablesOptions = {}): Tables {
  const folder = join(path, 'index');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const env: RootDatabase<unknown, Buffer> = open({
    path: join(folder, 'data.mdb'),
    noSubdir: true,
    // With it on, acknowledged writes were lost when two processes were killed, and a failed fsync went unnoticed.
    overlappingSync: false,
    pageSize: options.page_bytes ?? PAGE_BYTES,
    maxDbs: TABLES_MAX,
    keyEncoding: 'binary',
    encoding: 'binary',
  });
  const tables = openAll(env);
  checkFormat(tables);
  for (const each of [folder, path, dirname(path)]) fsyncFolder(each);
  return tables;
}

function openAll(env: RootDatabase<unknown, Buffer>): Tables {
  const json = <Value>(name: string): Table<Value> =>
    env.openDB<Value, Buffer>({ name, keyEncoding: 'binary', encoding: 'json' });
  const binary = (name: string): Table<Buffer> =>
    env.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' });
  // `encoder` is an option of LMDB's that its types leave out for tables.
  const coded = <Value>(name: string, encoder: Encoder<Value>): Table<Value> => {
    const options = { keyEncoding: 'binary' as const, encoding: 'binary' as const, encoder };
    return env.openDB<Value, Buffer>(name, options);
  };
  return {
    env,
    meta: json('meta'),
    buckets: json('buckets'),
    documents: json('documents'),
    usage: json('usage'),
    objects: coded('objects', objectEncoder),
    versions: coded('versions', objectEncoder),
    null_versions: json('null_versions'),
    small: coded('small', smallEncoder),
    blobs: coded('blobs', blobEncoder),
    data_keys: binary('data_keys'),
    manifests: coded('manifests', manifestEncoder),
    manifest_references: json('manifest_references'),
    uploads: json('uploads'),
    parts: coded('parts', partEncoder),
    completed: json('completed'),
    changes: binary('changes'),
    garbage: binary('garbage'),
  };
}

interface Encoder<Value> {
  encode(value: Value): Buffer;
  decode(source: Buffer): Value;
}

export const META = {
  format_version: Buffer.from('format_version'),
  sequence: Buffer.from('sequence'),
  bucket_id: Buffer.from('bucket_id'),
  /** Changes up to this sequence were trimmed. */
  trimmed: Buffer.from('trimmed'),
} as const;

function checkFormat(tables: Tables): void {
  const found = tables.meta.get(META.format_version);
  if (found === undefined) {
    tables.env.transactionSync(() => {
      void tables.meta.put(META.format_version, FORMAT_VERSION);
    });
    return;
  }
  if (found !== FORMAT_VERSION) {
    throw new StoreError(
      'invalid',
      `the index has format ${found}, this release reads and writes format ${FORMAT_VERSION}`,
      { subject: 'adapter' },
    );
  }
}

/** LMDB syncs its files, but not the folder entries that name them. */
function fsyncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
