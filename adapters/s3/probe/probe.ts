import { StoreError } from '../../contract/index.js';
import type { S3AdapterOptions } from '../options.js';
import { capabilitiesOf, PROVIDER_HABITS } from '../providers.js';
import { createRecords } from '../records.js';
import { createReservedBuckets } from '../reserved-buckets.js';
import { openUpstream } from '../upstream.js';
import { createCalls } from './calls.js';
import { probeChecksums } from './checksums.js';
import { compare, type ProbeReport, suggestions } from './compare.js';
import { probeConditions } from './conditions.js';
import { probeKeys, probeRequests } from './keys.js';
import { probeLocks, probeTags } from './locks-and-tags.js';
import { createProbing, type Probing } from './probing.js';
import { createScratch } from './scratch.js';
import { probeUploads } from './uploads.js';
import { probeVersions } from './versions.js';

export interface ProbeInput {
  readonly bucket_prefix: string;
  readonly signal?: AbortSignal | undefined;
  /** Told before each group of checks. */
  readonly progress?: (group: string) => void;
}

const GROUPS: readonly (readonly [string, (probing: Probing) => Promise<void>])[] = [
  ['conditions', probeConditions],
  ['versions', probeVersions],
  ['locks', probeLocks],
  ['tags', probeTags],
  ['uploads', probeUploads],
  ['checksums', probeChecksums],
  ['keys', probeKeys],
  ['requests', probeRequests],
];

/**
 * Tries on the real endpoint what its provider is declared to do, and what it is not, in scratch buckets that are removed
 * whatever happens. Fails with a StoreError when the endpoint does not answer or lets no bucket be made, with the
 * signal's reason when it is aborted; then too the buckets are gone, or named in `detail.buckets_left`.
 */
export async function probeUpstream(options: S3AdapterOptions, input: ProbeInput): Promise<ProbeReport> {
  const upstream = openUpstream(options);
  const calls = createCalls(upstream, input.signal);
  const scratch = createScratch(calls, input.bucket_prefix, options.region);
  // Whose they are needs no proof: they were made a moment ago.
  const habits = { global_bucket_names: false, lists_foreign_buckets: false };
  const reserved = createReservedBuckets({ upstream, habits, names: new Map() });
  const recordsOf = (bucket: string) => createRecords(upstream, bucket, reserved);
  let buckets_left: readonly string[] = [];
  try {
    const seen = await observe({ calls, scratch, recordsOf }, input).finally(async () => {
      buckets_left = await scratch.remove(createCalls(upstream, undefined));
    });
    const lines = compare(seen, capabilitiesOf(options), PROVIDER_HABITS[options.provider]);
    return { lines, suggestions: suggestions(seen, options.provider, lines), buckets_left };
  } catch (cause) {
    if (buckets_left.length === 0) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError('unavailable', message, { subject: 'adapter', detail: { buckets_left }, cause });
  } finally {
    await upstream.close();
  }
}

async function observe(
  base: Pick<Probing, 'calls' | 'scratch' | 'recordsOf'>,
  { signal, progress }: ProbeInput,
): Promise<Probing['seen']> {
  const { bucket, answer } = await base.scratch.create('objects');
  if (!answer.ok) {
    throw new StoreError('access_denied', `no scratch bucket can be made: ${answer.refusal}`, {
      subject: 'bucket',
    });
  }
  const probing = createProbing({ ...base, bucket }, signal);
  for (const [name, group] of GROUPS) {
    progress?.(name);
    await group(probing);
  }
  return probing.seen;
}
