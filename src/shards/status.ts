import type { Usage } from '../../adapters/contract/index.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import { upstreamReport } from './adapter-report.js';
import type { ShardRouteDeps } from './deps.js';
import { isoTime } from './times.js';

/**
 * The answer of /api/v1/status. Bytes, seconds; counters come straight from the store, so they are exact, unless shards
 * lie in a store that does not count: then they were counted by listing, at `counted_at`.
 */
export async function nodeStatus(deps: ShardRouteDeps): Promise<object> {
  const { store, node, settings, registry, transfers } = deps;
  const [all, shards] = await Promise.all([store.usage({}), store.usage({ bucket: SHARD_BUCKET })]);
  const used_bytes = all.stored_bytes;
  const max_bytes = settings.storage_bytes_max;
  const now = Date.now();
  return {
    node_id: node.node_id,
    node_type: 'backup',
    storage: {
      used_bytes,
      max_bytes,
      used_percentage: max_bytes > 0 ? Math.round((used_bytes / max_bytes) * 1_000_000) / 10_000 : 0,
      available_bytes: Math.max(0, max_bytes - used_bytes),
    },
    shards: {
      total_count: shards.objects_count,
      total_size_bytes: shards.objects_bytes,
      ...countedAt(shards),
    },
    ...upstreams(deps),
    network: { connected_nodes: registry.onlineCount(), active_transfers: transfers.count },
    uptime: (now - node.started_at_ms) / 1000,
    last_updated: isoTime(now),
  };
}

function countedAt({ counted_at_ms }: Usage): { readonly counted_at?: string | null } {
  if (counted_at_ms === undefined) return {};
  return { counted_at: counted_at_ms === null ? null : isoTime(counted_at_ms) };
}

/** As far as it is known: a status does not wait for an upstream that is down. */
function upstreams({ inspectors = [] }: ShardRouteDeps): { readonly upstreams?: readonly object[] } {
  const reports = inspectors.map((inspector) => inspector.known()).filter(({ type }) => type !== 'local');
  if (reports.length === 0) return {};
  return { upstreams: reports.map((report) => upstreamReport(report)) };
}
