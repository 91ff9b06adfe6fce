import { StoreError } from '../../adapters/contract/index.js';

/** How the bucket names of a mount and those in its adapter belong together, both ways. */
export interface Naming {
  /** The name in the adapter. */
  readonly upstream: (bucket: string) => string;
  /** The name that clients know; undefined where the mount does not show that bucket. */
  readonly own: (upstream: string) => string | undefined;
  /** What all names in the adapter begin with, and those that clients know do not. */
  readonly prefix: string;
  /** The one bucket that there is. */
  readonly only?: { readonly own: string; readonly upstream: string };
}

export interface NamingRule {
  /** Of a mount of one name. */
  readonly upstream_bucket?: string | undefined;
  readonly upstream_prefix?: string | undefined;
}

/** Undefined: names are the same on both sides. `pattern` is that of the mount. */
export function createNaming(pattern: string, rule: NamingRule): Naming | undefined {
  const { upstream_bucket, upstream_prefix } = rule;
  if (upstream_bucket !== undefined) {
    const only = { own: pattern, upstream: upstream_bucket };
    return {
      // Another name is none of this mount's: it stays as it is, and the mount is not asked for it.
      upstream: (bucket) => (bucket === only.own ? only.upstream : bucket),
      own: (upstream) => (upstream === only.upstream ? only.own : undefined),
      prefix: '',
      only,
    };
  }
  if (upstream_prefix === undefined || upstream_prefix === '') return undefined;
  return {
    upstream: (bucket) => `${upstream_prefix}${bucket}`,
    own: (upstream) =>
      upstream.startsWith(upstream_prefix) ? upstream.slice(upstream_prefix.length) : undefined,
    prefix: upstream_prefix,
  };
}

/** A name that no mount shows, or that none of its buckets can have. */
export function noSuchBucket(bucket: string): StoreError {
  return new StoreError('not_found', `bucket ${bucket} does not exist`, { subject: 'bucket' });
}
