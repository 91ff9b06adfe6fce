import { createHash } from 'node:crypto';
import { LIMITS } from '../../../config/limits.js';
import { type Adapter, isStoreError } from '../../contract/index.js';
import type { Codec } from './codec.js';
import { type PartRecord, readRecord, writeRecord } from './part-record.js';

interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string;
}

/**
 * What is known of the parts of unfinished uploads: clients name them by the ETags of their plaintexts, the upstream by
 * those of what it holds, which cannot be read before the upload is completed. One empty object for each part, in a bucket
 * of ours, with all of it in its key (sealed where contents are secret), so that one listing tells of a thousand parts, to
 * every node.
 */
export interface PartRecords {
  add(upload: Upload, record: PartRecord): Promise<void>;
  list(upload: Upload): Promise<PartRecord[]>;
  drop(upload: Upload): Promise<void>;
  /** Removes what is older than the limit: one page at a time, called again and again. */
  sweep(now_ms: number, signal?: AbortSignal): Promise<void>;
}

const PART_DIGITS = 5;
const EMPTY = new Uint8Array(0);

function folderOf({ bucket, key, upload_id }: Upload): string {
  return `${createHash('sha256').update(`${bucket}\0${key}\0${upload_id}`).digest('hex')}/`;
}

export function createPartRecords(inner: Adapter, { names, sealing }: Codec): PartRecords {
  const bucket = names.records_bucket;
  const limit = inner.capabilities.list_limit_max;
  let sweep_after: string | undefined;

  const createBucket = async (): Promise<void> => {
    try {
      await inner.createBucket({ bucket, owner: '' });
    } catch (error) {
      if (!isStoreError(error, 'already_exists')) throw error;
    }
  };

  const page = async (query: {
    prefix?: string;
    after?: string | undefined;
    signal?: AbortSignal | undefined;
  }) => {
    const { prefix, after, signal } = query;
    try {
      return await inner.listObjects({
        bucket,
        limit,
        ...(prefix !== undefined && { prefix }),
        ...(after !== undefined && { after }),
        ...(signal && { signal }),
      });
    } catch (error) {
      if (isStoreError(error, 'not_found')) return { entries: [], next: null };
      throw error;
    }
  };

  async function* objectsUnder(prefix: string) {
    let after: string | undefined;
    do {
      const { entries, next } = await page({ prefix, after });
      for (const entry of entries) if (entry.type === 'item') yield entry.item;
      after = next ?? undefined;
    } while (after !== undefined);
  }

  const remove = async (names: readonly string[]): Promise<void> => {
    const batch_max = inner.capabilities.delete_batch_max;
    for (let at = 0; at < names.length; at += batch_max) {
      const objects = names.slice(at, at + batch_max).map((key) => ({ key }));
      await inner.deleteObjects({ bucket, objects });
    }
  };

  return {
    async add(upload, record) {
      const number = String(record.part_number).padStart(PART_DIGITS, '0');
      const folder = folderOf(upload);
      const sealed = sealing.seal(writeRecord(record), folder + number).toString('base64url');
      const object = { bucket, key: `${folder}${number}/${inSegments(sealed)}`, body: EMPTY, size_bytes: 0 };
      try {
        await inner.putObject(object);
      } catch (error) {
        if (!isStoreError(error, 'not_found')) throw error;
        await createBucket();
        await inner.putObject(object);
      }
    },
    async list(upload) {
      const folder = folderOf(upload);
      const records: PartRecord[] = [];
      for await (const { key } of objectsUnder(folder)) {
        const [, number = '', ...sealed] = key.split('/');
        const bytes = sealing.open(Buffer.from(sealed.join(''), 'base64url'), folder + number);
        records.push({ part_number: Number(number), ...readRecord(bytes) });
      }
      return records;
    },
    async drop(upload) {
      const names: string[] = [];
      for await (const { key } of objectsUnder(folderOf(upload))) names.push(key);
      await remove(names);
    },
    async sweep(now_ms, signal) {
      const { entries, next } = await page({ after: sweep_after, signal });
      sweep_after = next ?? undefined;
      const before_ms = now_ms - LIMITS.recoded_part_records_kept_ms;
      const old = entries.flatMap((entry) =>
        entry.type === 'item' && entry.item.modified_at_ms < before_ms ? [entry.item.key] : [],
      );
      await remove(old);
    },
  };
}

/** File systems that some upstreams keep keys in have names of 255 bytes at most. */
function inSegments(text: string): string {
  return text.replaceAll(/.{200}/g, '$&/');
}
