import { randomBytes } from 'node:crypto';
import { test } from 'vitest';
import {
  type Adapter,
  type Capabilities,
  type CreateBucketInput,
  type GetObjectInput,
  isStoreError,
  type ObjectInfo,
  type PutObjectInput,
} from '../../contract/index.js';
import { readAll, utf8 } from './bytes.js';

export interface OpenedAdapter {
  readonly adapter: Adapter;
  /** Closes the adapter, if that was not done yet, and removes what opening made. */
  close(): Promise<void>;
}

/** Opens a fresh adapter; it may be over a server that others use at the same time. */
export type OpenAdapter = () => Promise<OpenedAdapter>;

/** A capability that is on or off. */
export type Feature = {
  [Name in keyof Capabilities]-?: Capabilities[Name] extends boolean ? Name : never;
}[keyof Capabilities];

/** Canonical ids are 64 hex digits. */
export const OWNER = 'c0ffee'.padEnd(64, '0');
export const OTHER_OWNER = 'beef'.padEnd(64, '0');

/** What every group of tests gets: the adapter under test and buckets of its own. */
export interface Harness {
  readonly open: OpenAdapter;
  readonly store: Adapter;
  /** All bucket names of this run begin with it. */
  readonly bucket_prefix: string;
  /** A name that nobody uses; whatever bucket gets it is emptied and removed after the run. */
  bucketName(): string;
  bucket(options?: Partial<CreateBucketInput>): Promise<string>;
  versionedBucket(): Promise<string>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createHarness(open: OpenAdapter): Harness {
  const bucket_prefix = `conformance-${randomBytes(5).toString('hex')}-`;
  const names: string[] = [];
  let opened: OpenedAdapter | undefined;
  const harness: Harness = {
    open,
    bucket_prefix,
    get store() {
      if (opened === undefined) throw new Error('the adapter is not open');
      return opened.adapter;
    },
    bucketName() {
      const name = `${bucket_prefix}${String(names.length).padStart(4, '0')}`;
      names.push(name);
      return name;
    },
    async bucket(options = {}) {
      const bucket = options.bucket ?? harness.bucketName();
      await harness.store.createBucket({ owner: OWNER, ...options, bucket });
      return bucket;
    },
    async versionedBucket() {
      const bucket = await harness.bucket();
      await harness.store.putVersioning({ bucket, versioning: 'enabled' });
      return bucket;
    },
    async start() {
      opened = await open();
    },
    async stop() {
      if (opened === undefined) return;
      for (const name of names) await removeBucket(opened.adapter, name);
      await opened.close();
    },
  };
  return harness;
}

/** A test that only says something about an adapter that declares the feature; the capabilities group tests the others. */
export function testWith(
  harness: Harness,
  feature: Feature | readonly Feature[],
  name: string,
  run: () => Promise<void>,
): void {
  test(name, async (context) => {
    const missing = [feature].flat().filter((wanted) => !harness.store.capabilities[wanted]);
    context.skip(missing.length > 0, `not declared: ${missing.join(', ')}`);
    await run();
  });
}

export async function put(
  harness: Harness,
  bucket: string,
  key: string,
  content: string | Uint8Array,
  more: Partial<PutObjectInput> = {},
): Promise<ObjectInfo> {
  const body = typeof content === 'string' ? utf8(content) : content;
  return harness.store.putObject({ bucket, key, body, size_bytes: body.length, ...more });
}

export async function get(
  harness: Harness,
  bucket: string,
  key: string,
  more: Partial<GetObjectInput> = {},
): Promise<Buffer> {
  const { body } = await harness.store.getObject({ bucket, key, ...more });
  return readAll(body);
}

export async function getText(
  harness: Harness,
  bucket: string,
  key: string,
  more: Partial<GetObjectInput> = {},
): Promise<string> {
  return (await get(harness, bucket, key, more)).toString();
}

async function removeBucket(store: Adapter, bucket: string): Promise<void> {
  try {
    await emptyBucket(store, bucket);
    await store.deleteBucket({ bucket });
  } catch (error) {
    if (!isStoreError(error, 'not_found')) throw error;
  }
}

/** What the lock tests leave under COMPLIANCE retention is retained for a few seconds only. */
const RETENTION_WAIT_MS_MAX = 15_000;

async function emptyBucket(store: Adapter, bucket: string): Promise<void> {
  const deadline_ms = Date.now() + RETENTION_WAIT_MS_MAX;
  for (;;) {
    const left = await firstObjects(store, bucket);
    if (left.length === 0) return;
    const bypass_governance = store.capabilities.object_lock;
    const objects = left.map((address) => ({ ...address, bypass_governance }));
    const results = await store.deleteObjects({ bucket, objects });
    for (const [index, result] of results.entries()) {
      const address = left[index];
      if ('error' in result && address)
        await releaseVersion(store, { bucket, ...address }, result.error, deadline_ms);
    }
  }
}

type Left = readonly { readonly key: string; readonly version_id?: string }[];

async function firstObjects(store: Adapter, bucket: string): Promise<Left> {
  const { list_limit_max, delete_batch_max, versioning } = store.capabilities;
  const limit = Math.min(list_limit_max, delete_batch_max);
  if (!versioning) {
    const { entries } = await store.listObjects({ bucket, limit });
    return entries.flatMap((entry) => (entry.type === 'item' ? [{ key: entry.item.key }] : []));
  }
  const { entries } = await store.listVersions({ bucket, limit });
  return entries.flatMap((entry) =>
    entry.type === 'item' ? [{ key: entry.item.key, version_id: entry.item.version_id }] : [],
  );
}

/** Lifts what keeps a version from being deleted, or waits a little until it has expired. */
async function releaseVersion(
  store: Adapter,
  address: { bucket: string; key: string; version_id?: string },
  error: Error,
  deadline_ms: number,
): Promise<void> {
  if (!isStoreError(error, 'locked') || Date.now() > deadline_ms) throw error;
  await store.putLegalHold({ ...address, legal_hold: false });
  await new Promise((resolve) => setTimeout(resolve, 50));
}
