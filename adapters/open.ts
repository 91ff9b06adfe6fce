import { checked } from './checked.js';
import { type Adapter, StoreError } from './contract/index.js';
import { paceOf } from './decorators/bandwidth.js';
import { type DecoratorOptions, decorated } from './decorators/stack.js';
import type { FeedOptions } from './feed/open-feed.js';
import { askForBucket, createInspector, type Inspector, noteErrors } from './inspect.js';
import { type OpenLocalAdapterOptions, openLocalAdapter } from './local/open-local-adapter.js';
import type { S3AdapterOptions } from './s3/options.js';

interface Decorated {
  readonly decorators?: DecoratorOptions;
}

export type LocalEntry = { readonly type: 'local' } & OpenLocalAdapterOptions & Decorated;
export type RemoteEntry = {
  readonly type: 's3' | 'minio';
  /** Where the change feed lies; without it the adapter has none. */
  readonly feed?: FeedOptions;
} & S3AdapterOptions &
  Decorated;

/** One entry of the configuration's `adapters`, under its name. */
export type AdapterEntry = LocalEntry | RemoteEntry;

export interface OpenedAdapter {
  readonly adapter: Adapter;
  readonly inspector: Inspector;
}

/**
 * Opens the adapter that an entry names, with its decorators around it and `checked` outermost, so that none of them
 * sees a request that its adapter could not answer.
 */
export async function openInspected(entry: AdapterEntry): Promise<OpenedAdapter> {
  const { adapter: bare, ...parts } = await openBare(entry);
  // The local adapter's hot path is not burdened: its failures are the disk's, which others tell of.
  const errors = noteErrors(bare);
  const inner = entry.type === 'local' ? bare : errors.adapter;
  const adapter = checked(await decorated(inner, around(entry)));
  const provider = entry.type === 'local' ? null : entry.provider;
  return { adapter, inspector: createInspector({ ...parts, type: entry.type, provider, adapter, errors }) };
}

export async function openAdapter(entry: AdapterEntry): Promise<Adapter> {
  return (await openInspected(entry)).adapter;
}

/** What is stacked around the bare adapter; one over a network has its limit of bandwidth inside. */
function around({ type, decorators = {} }: AdapterEntry): DecoratorOptions {
  const { bandwidth: _inside, ...rest } = decorators;
  return type === 'local' ? decorators : rest;
}

/** What the bare adapter itself is told. */
function remoteOptions({ type: _type, feed: _feed, decorators, ...options }: RemoteEntry): S3AdapterOptions {
  const { bandwidth } = decorators ?? {};
  const reserved_buckets = reservedBuckets(decorators);
  return { ...options, reserved_buckets, ...(bandwidth && { pace: paceOf(bandwidth) }) };
}

type Bare = Pick<Parameters<typeof createInspector>[0], 'ask' | 'feed'> & { readonly adapter: Adapter };

async function openBare(entry: AdapterEntry): Promise<Bare> {
  switch (entry.type) {
    case 'local': {
      const { decorators: _decorators, ...options } = entry;
      const adapter = await openLocalAdapter(options);
      return { adapter, ask: () => askForBucket(adapter), feed: () => null };
    }
    case 's3':
      return openS3(entry);
    case 'minio':
      return openMinio(entry);
  }
}

/** A node without upstreams loads neither the SDK nor the clients. */
async function openS3(entry: RemoteEntry): Promise<Bare> {
  const { openS3Adapter } = await import('./s3/open-s3-adapter.js');
  const adapter = await openS3Adapter(remoteOptions(entry));
  const ask = () => askForBucket(adapter);
  if (entry.feed === undefined) return { adapter, ask, feed: () => null };
  const { openFeed } = await import('./feed/open-feed.js');
  const feed = openFeed(adapter, entry.feed);
  return { adapter: feed.adapter, ask, feed: feed.status };
}

/** Those of the decorators, by their keys. */
function reservedBuckets({ encryption, compression }: DecoratorOptions = {}): Record<string, string> {
  return {
    ...(encryption && { 'encryption.records_bucket': encryption.records_bucket }),
    ...(compression && { 'compression.records_bucket': compression.records_bucket }),
  };
}

async function openMinio(entry: RemoteEntry): Promise<Bare> {
  const { endpoint, ...options } = remoteOptions(entry);
  if (endpoint === undefined) {
    throw new StoreError('invalid', 'a MinIO has an endpoint', { subject: 'adapter' });
  }
  const { openMinioAdapter } = await import('./minio/open-minio-adapter.js');
  const minio = await openMinioAdapter({ ...options, endpoint }, entry.feed);
  return { adapter: minio.adapter, ask: minio.inspect, feed: minio.feedStatus };
}
