import { LIMITS } from '../../config/limits.js';
import { createGate } from '../gate.js';
import { createDataKeys, type DataKeysOptions } from './blobs/data-keys.js';
import { openBlobStore } from './blobs/open-blob-store.js';
import { openBucketBook } from './bucket-book.js';
import type { LocalContext, LocalSettings } from './context.js';
import { openFreeSpace } from './free-space.js';
import { META, openTables, type Tables } from './index/tables.js';
import { createWriter } from './index/writer.js';
import type { FolderLock } from './lock-file.js';
import { createManifests } from './manifests.js';
import { createPins } from './pins.js';
import { openKeyUse, type Protect } from './protection.js';
import { openUsageBook } from './usage-book.js';

export interface OpenLocalOptions extends Partial<LocalSettings> {
  readonly name: string;
  /** Folder that belongs to this adapter alone; it is made when it is not there. */
  readonly path: string;
  /** Of the folder, when the caller holds it already, and is going to release it. */
  readonly lock?: FolderLock;
  readonly now?: () => number;
  /** Bytes of the disk that writes leave alone, so that deletes always work. */
  readonly reserve_bytes?: number;
  /** Bodies up to this size live in the index. */
  readonly inline_bytes_max?: number;
  /** Needed as soon as content is, or was, to be encrypted. */
  readonly encryption?: DataKeysOptions;
  /** For what is written from now on. */
  readonly protection?: Protect;
  /** The index could not commit: nothing is known to be durable any more. Default: a line on stderr, and exit code 70. */
  readonly on_fatal?: (error: unknown) => void;
}

/** EX_SOFTWARE of sysexits(3). */
const EXIT_CODE_FATAL = 70;

/** Opens all that an adapter is made of. The caller holds the folder's lock. */
export async function openContext(options: OpenLocalOptions): Promise<LocalContext> {
  const tables = openTables(options.path);
  try {
    return await openAround(tables, options);
  } catch (error) {
    await tables.env.close();
    throw error;
  }
}

async function openAround(tables: Tables, options: OpenLocalOptions): Promise<LocalContext> {
  const now = options.now ?? Date.now;
  const keys = options.encryption && createDataKeys(options.encryption);
  const key_use = openKeyUse(tables, keys);
  const usage = openUsageBook(tables);
  const blobs = await openBlobStore({
    root: options.path,
    ...(options.inline_bytes_max === undefined ? {} : { inline_bytes_max: options.inline_bytes_max }),
    ...(keys && { keys }),
  });
  const writer = createWriter({
    tables,
    usage,
    now,
    sequence: tables.meta.get(META.sequence) ?? 0,
    on_fatal: options.on_fatal ?? exit,
  });
  return {
    name: options.name,
    tables,
    writer,
    blobs,
    usage,
    now,
    buckets: openBucketBook(tables),
    space: await openFreeSpace({
      path: options.path,
      ...(options.reserve_bytes === undefined ? {} : { reserve_bytes: options.reserve_bytes }),
    }),
    manifests: createManifests(tables),
    pins: createPins(),
    gate: createGate(),
    protect: options.protection,
    key_use,
    settings: settingsOf(options),
  };
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function settingsOf(options: OpenLocalOptions): LocalSettings {
  return {
    garbage_grace_ms: options.garbage_grace_ms ?? LIMITS.garbage_grace_ms,
    upload_max_age_ms: options.upload_max_age_ms === undefined ? 7 * DAY_MS : options.upload_max_age_ms,
    completed_kept_ms: options.completed_kept_ms ?? LIMITS.completed_uploads_kept_ms,
    changes_kept_max: options.changes_kept_max ?? LIMITS.changes_kept_max,
    part_bytes_min: options.part_bytes_min ?? LIMITS.part_bytes_min,
  };
}

function exit(error: unknown): void {
  process.stderr.write(`the index could not commit, the process ends: ${String(error)}\n`);
  process.exit(EXIT_CODE_FATAL);
}
