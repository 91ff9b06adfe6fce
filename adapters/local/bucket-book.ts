import { StoreError } from '../contract/index.js';
import type { BucketRecord, Tables } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';

/**
 * All buckets, in memory: every request looks one up. Writers see what the transactions before them did; readers what
 * is durable.
 */
export interface BucketBook {
  /** Fails with not_found. */
  read(name: string): BucketRecord;
  /** The same inside a transaction. */
  write(name: string): BucketRecord;
  find(name: string): BucketRecord | undefined;
  /** Null removes it. Inside a transaction. */
  set(transaction: WriteTransaction, name: string, record: BucketRecord | null): void;
  /** Names in byte order. */
  names(): readonly string[];
}

export function openBucketBook(tables: Tables): BucketBook {
  const current = new Map<string, BucketRecord>();
  const durable = new Map<string, BucketRecord>();
  let sorted: readonly string[] | undefined;
  for (const { value } of tables.buckets.getRange()) {
    current.set(value.name, value);
    durable.set(value.name, value);
  }

  function store(map: Map<string, BucketRecord>, name: string, record: BucketRecord | null): void {
    if (record === null) map.delete(name);
    else map.set(name, record);
  }

  function need(map: Map<string, BucketRecord>, name: string): BucketRecord {
    const record = map.get(name);
    if (record !== undefined) return record;
    throw new StoreError('not_found', `there is no bucket ${name}`, { subject: 'bucket' });
  }

  return {
    read: (name) => need(durable, name),
    write: (name) => need(current, name),
    find: (name) => current.get(name),
    set(transaction, name, record) {
      const key = Buffer.from(name, 'utf8');
      if (record === null) void tables.buckets.remove(key);
      else void tables.buckets.put(key, record);
      store(current, name, record);
      transaction.afterCommit(() => {
        store(durable, name, record);
        sorted = undefined;
      });
    },
    names() {
      sorted ??= [...durable.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      return sorted;
    },
  };
}
