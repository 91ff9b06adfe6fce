/** What a running node says of itself: to `status`, and to who scrapes its metrics. */
import type { ControlStatus } from './control/status.js';
import type { Phase } from './http/health.js';
import type { Gauge } from './http/metrics.js';
import { SHARD_BUCKET } from './objects/shard-bucket.js';
import type { ObjectStore } from './objects/store.js';

export interface ReportSubject {
  readonly node_id: string;
  readonly version: string;
  readonly store: ObjectStore;
  readonly quota_bytes: number;
  readonly started_at_ms: number;
  readonly phase: () => Phase;
}

function gauge(name: string, help: string, value: Gauge['value']): Gauge {
  return { name: `backup_node_${name}`, help, type: 'gauge', value };
}

export function gaugesOf({ store, quota_bytes, started_at_ms, phase }: ReportSubject): Gauge[] {
  const all = () => store.usage({});
  const shards = () => store.usage({ bucket: SHARD_BUCKET });
  return [
    gauge('start_time_seconds', 'When this process started.', () => started_at_ms / 1000),
    gauge('running', '1 while the node is neither starting nor draining.', () =>
      phase() === 'running' ? 1 : 0,
    ),
    gauge('storage_used_bytes', 'Bytes of all versions and parts.', async () => (await all()).stored_bytes),
    gauge('storage_max_bytes', 'The quota, max_storage_gb.', () => quota_bytes),
    gauge('objects', 'Objects, shards included.', async () => (await all()).objects_count),
    gauge('shards', 'Shards.', async () => (await shards()).objects_count),
    gauge(
      'mounts_unavailable',
      'Mounts that did not answer when they were last asked for their buckets.',
      () => store.health.down().length,
    ),
    gauge('shards_bytes', 'Bytes of shards.', async () => (await shards()).objects_bytes),
  ];
}

export async function controlStatus(
  subject: ReportSubject,
  urls: { readonly api_url: string; readonly s3_url: string },
): Promise<ControlStatus> {
  const usage = await subject.store.usage({});
  return {
    phase: subject.phase(),
    node_id: subject.node_id,
    version: subject.version,
    pid: process.pid,
    uptime_s: (Date.now() - subject.started_at_ms) / 1000,
    ...urls,
    storage: { used_bytes: usage.stored_bytes, max_bytes: subject.quota_bytes },
    objects_count: usage.objects_count,
    memory_bytes: process.memoryUsage.rss(),
  };
}
