/** `backup-node config check`: which bucket lands where, and why. */
import { type Adapter, isStoreError, StoreError } from '../../adapters/contract/index.js';
import { decoratorOptions } from '../../adapters/decorators/settings.js';
import { openAdapter } from '../../adapters/open.js';
import { s3Options } from '../../adapters/s3/settings.js';
import { effectiveAdapters } from '../../config/effective.js';
import { LIMITS } from '../../config/limits.js';
import { ConfigError } from '../../config/load.js';
import { reviewConfig } from '../../config/review.js';
import type { Config } from '../../config/schema.js';
import { type BucketPlace, type MountReport, mountWarnings, placeOf, reportMounts } from '../mount-report.js';
import { EXIT } from './exit-codes.js';
import { CliError, formatTable, type JsonOption, printJson, printLine } from './output.js';
import { loadSettings, type SettingsOptions } from './settings.js';

export interface ConfigCheckOptions extends SettingsOptions, JsonOption {
  readonly online?: boolean;
}

/** Of an upstream that was asked: whether it answers, and if not, why. */
interface Reached {
  readonly available: boolean;
  readonly error: string | null;
}

interface CheckedPlace extends BucketPlace {
  /** Null: nobody was asked, or nobody answered. */
  readonly exists: boolean | null;
}

interface Check {
  readonly mounts: readonly (MountReport & Partial<Reached>)[];
  readonly buckets: readonly CheckedPlace[];
  readonly warnings: readonly string[];
}

/**
 * Exits with 2 where a start would be refused, with 7 when a bucket that was named lands nowhere, and with 1 when an
 * upstream that was to be asked does not answer.
 */
export async function runConfigCheck(buckets: readonly string[], options: ConfigCheckOptions): Promise<void> {
  const { config } = loadSettings(options);
  const { refusals, warnings } = reviewConfig(config, true);
  const problems = [...refusals, ...keyProblems(config)];
  if (problems.length > 0) throw new CliError(EXIT.usage, 'the configuration cannot be used', problems);
  const places = buckets.map((bucket) => placeOf(config, bucket));
  const upstreams = options.online === true ? await openUpstreams(config) : new Map<string, Adapter>();
  try {
    const reached = await reachAll(upstreams);
    const check: Check = {
      mounts: reportMounts(config).map((mount) => ({ ...mount, ...reached.get(mount.adapter) })),
      buckets: await Promise.all(places.map((place) => look(place, upstreams, reached))),
      warnings: [...mountWarnings(config), ...warnings, ...unreachable(reached)],
    };
    show(check, options);
    judge(check, reached);
  } finally {
    await Promise.all([...upstreams.values()].map((adapter) => adapter.close()));
  }
}

/** Keys that a start would look for in the environment and in files. */
function keyProblems(config: Config): string[] {
  return Object.entries(effectiveAdapters(config)).flatMap(([name, settings]) => {
    try {
      decoratorOptions(name, settings, { env: process.env, storage_path: config.storage_path });
      if (settings.type !== 'local') s3Options(name, settings, process.env);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  });
}

/** Those that can be asked beside a running node: a folder cannot, because that node holds its lock. */
async function openUpstreams(config: Config): Promise<Map<string, Adapter>> {
  const upstreams = new Map<string, Adapter>();
  for (const [name, settings] of Object.entries(effectiveAdapters(config))) {
    if (settings.type === 'local') continue;
    if (!reportMounts(config).some(({ adapter }) => adapter === name)) continue;
    const patience = { headers_timeout_ms: LIMITS.config_check_wait_ms };
    const remote = { ...s3Options(name, settings, process.env), ...patience, type: settings.type };
    upstreams.set(name, await openAdapter(remote));
  }
  return upstreams;
}

async function reachAll(upstreams: ReadonlyMap<string, Adapter>): Promise<Map<string, Reached>> {
  const reached = new Map<string, Reached>();
  await Promise.all(
    [...upstreams].map(async ([name, adapter]) => {
      try {
        await adapter.listBuckets({ limit: 1 });
        reached.set(name, { available: true, error: null });
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        reached.set(name, { available: false, error: error.message });
      }
    }),
  );
  return reached;
}

async function look(
  place: BucketPlace,
  upstreams: ReadonlyMap<string, Adapter>,
  reached: ReadonlyMap<string, Reached>,
): Promise<CheckedPlace> {
  const { adapter: name, upstream_bucket } = place;
  const adapter = upstreams.get(name ?? '');
  if (adapter === undefined || upstream_bucket === null || reached.get(adapter.name)?.available !== true) {
    return { ...place, exists: null };
  }
  try {
    await adapter.headBucket({ bucket: upstream_bucket });
    return { ...place, exists: true };
  } catch (error) {
    if (isStoreError(error, 'not_found')) return { ...place, exists: false };
    return { ...place, exists: null };
  }
}

function unreachable(reached: ReadonlyMap<string, Reached>): string[] {
  return [...reached].flatMap(([name, { error }]) =>
    error === null ? [] : [`adapters.${name} does not answer: ${error}`],
  );
}

function judge({ buckets }: Check, reached: ReadonlyMap<string, Reached>): void {
  const nowhere = buckets.filter(({ mount }) => mount === null);
  if (nowhere.length > 0) {
    const names = nowhere.map(({ bucket }) => bucket).join(', ');
    throw new CliError(EXIT.refused, `no mount is the home of ${names}`);
  }
  const silent = [...reached].filter(([, { available }]) => !available);
  if (silent.length > 0) {
    throw new CliError(EXIT.failed, `${silent.map(([name]) => name).join(', ')} cannot be reached`);
  }
}

function show(check: Check, { json, online }: ConfigCheckOptions): void {
  if (json) {
    printJson(check);
    return;
  }
  printLine(mountTable(check));
  if (check.buckets.length > 0) printLine(`\n${bucketTable(check, online === true)}`);
  if (check.warnings.length > 0) printLine('');
  for (const warning of check.warnings) printLine(`warning: ${warning}`);
}

function upstreamRule({ upstream_bucket, upstream_prefix, buckets }: MountReport): string {
  return upstream_bucket ?? (upstream_prefix === null ? 'the same name' : `${upstream_prefix}${buckets}`);
}

function mountTable({ mounts }: Check): string {
  const rows = mounts.map((mount) => [
    mount.buckets,
    mount.adapter,
    mount.adapter_type,
    mount.location,
    upstreamRule(mount),
    mount.read_only ? 'read-only' : 'read and write',
    mount.counts_against_quota ? 'counted' : 'not counted',
    mount.holds_shards ? 'shards' : '',
  ]);
  return formatTable([['BUCKETS', 'ADAPTER', 'TYPE', 'WHERE', 'NAME THERE', 'ACCESS', 'QUOTA', ''], ...rows]);
}

function bucketTable({ buckets }: Check, online: boolean): string {
  const rows = buckets.map(({ bucket, adapter, upstream_bucket, exists, reason }) => [
    bucket,
    adapter ?? 'nowhere',
    upstream_bucket ?? '-',
    ...(online ? [exists === null ? 'not known' : exists ? 'exists' : 'not there'] : []),
    reason,
  ]);
  return formatTable([['BUCKET', 'ADAPTER', 'NAME THERE', ...(online ? ['NOW'] : []), 'WHY'], ...rows]);
}
