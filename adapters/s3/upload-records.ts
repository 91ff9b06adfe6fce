import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../config/limits.js';
import { sha256Hex } from '../../src/wire/sigv4.js';
import type { ChecksumAlgorithm, ChecksumType, UploadInfo } from '../contract/index.js';
import type { Records } from './records.js';

export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

/** What the upstream does not remember of an upload. */
interface UploadRecord {
  readonly info: UploadInfo;
  /** What the upstream was told; where the client asked for none it is the default. */
  readonly checksum: UploadChecksum | null;
}

/** One small text for each unfinished upload, in the reserved bucket; those of late are remembered. */
export interface UploadRecords {
  read(bucket: string, upload_id: string, signal?: AbortSignal): Promise<UploadRecord | null>;
  write(bucket: string, record: UploadRecord, signal?: AbortSignal): Promise<void>;
  remove(bucket: string, upload_id: string): Promise<void>;
  list(bucket: string, signal?: AbortSignal): Promise<UploadRecord[]>;
  /** Up to `limit` of all buckets, behind a place (empty: from the first). */
  listSome(after: string, limit: number, signal?: AbortSignal): Promise<UploadPage>;
}

interface UploadPage {
  readonly uploads: readonly { readonly bucket: string; readonly record: UploadRecord }[];
  /** The place behind which the next page begins; null at the end. */
  readonly next: string | null;
}

const UPLOADS = 'uploads/';
const READS_AT_ONCE = 16;

export function createUploadRecords(records: Records): UploadRecords {
  const known = new LRUCache<string, UploadRecord>({ max: LIMITS.upstream_uploads_known_max });
  const folderOf = (bucket: string) => `${UPLOADS}${bucket}/`;
  // Upload ids are of any form and length.
  const pathOf = (bucket: string, upload_id: string) => `${folderOf(bucket)}${sha256Hex(upload_id)}.json`;
  const readPath = async (path: string, signal?: AbortSignal) => {
    const stored = await records.read(path, signal);
    return stored === null ? null : (JSON.parse(stored.content) as UploadRecord);
  };
  async function readAll(folder: string, names: readonly string[], signal: AbortSignal | undefined) {
    const found: { readonly name: string; readonly record: UploadRecord }[] = [];
    for (let from = 0; from < names.length; from += READS_AT_ONCE) {
      const page = names.slice(from, from + READS_AT_ONCE);
      const read = await Promise.all(page.map((name) => readPath(`${folder}${name}`, signal)));
      for (const [index, record] of read.entries()) {
        if (record !== null) found.push({ name: page[index] ?? '', record });
      }
    }
    return found;
  }
  return {
    async read(bucket, upload_id, signal) {
      const cached = known.get(upload_id);
      if (cached !== undefined) return cached;
      const record = await readPath(pathOf(bucket, upload_id), signal);
      if (record !== null) known.set(upload_id, record);
      return record;
    },
    async write(bucket, record, signal) {
      await records.write(pathOf(bucket, record.info.upload_id), JSON.stringify(record), { signal });
      known.set(record.info.upload_id, record);
    },
    async remove(bucket, upload_id) {
      known.delete(upload_id);
      await records.remove(pathOf(bucket, upload_id));
    },
    async list(bucket, signal) {
      const folder = folderOf(bucket);
      const names = await records.list(folder, signal);
      return (await readAll(folder, names, signal)).map(({ record }) => record);
    },
    async listSome(after, limit, signal) {
      const { entries, next } = await records.listSome(UPLOADS, after, limit, signal);
      const names = entries.map(({ name }) => name);
      const read = await readAll(UPLOADS, names, signal);
      return {
        uploads: read.map(({ name, record }) => ({ bucket: name.split('/')[0] ?? '', record })),
        next,
      };
    },
  };
}
