/** Counters of what the shard door and the upkeep tell. */
import type { Gauge } from './http/metrics.js';
import type { ShardEvent } from './shards/deps.js';
import type { UpkeepEvent } from './upkeep/deps.js';

export interface EventCounters {
  observe(event: ShardEvent | UpkeepEvent): void;
  gauges(): Gauge[];
}

const HELP = {
  shards_stored: 'Shards stored through the shard API.',
  shards_retrieved: 'Shards retrieved through the shard API.',
  shards_deleted: 'Shards deleted through the shard API.',
  corrupt_reads: 'Reads refused because the stored bytes do not match their digest.',
  verified: 'Objects that the scrub read and found intact.',
  verified_corrupt: 'Objects that the scrub found corrupt.',
  cleaned_up: 'Shards removed to make room.',
  cleaned_up_bytes: 'Bytes of shards removed to make room.',
  swept_blobs: 'Unreferenced blobs removed.',
  swept_bytes: 'Bytes of unreferenced blobs removed.',
} as const;

type CounterName = keyof typeof HELP;

export function createEventCounters(): EventCounters {
  const counts = new Map<CounterName, number>();
  const add = (name: CounterName, amount = 1) => void counts.set(name, (counts.get(name) ?? 0) + amount);
  return {
    observe: (event) => {
      switch (event.type) {
        case 'stored':
          return add('shards_stored');
        case 'retrieved':
          return add('shards_retrieved');
        case 'deleted':
          return add('shards_deleted');
        case 'corrupt':
          return add('corrupt_reads');
        case 'verified':
          return add(event.intact ? 'verified' : 'verified_corrupt');
        case 'cleaned_up':
          add('cleaned_up');
          return add('cleaned_up_bytes', event.size_bytes);
        case 'swept':
          add('swept_blobs', event.removed_blobs);
          return add('swept_bytes', event.freed_bytes);
      }
    },
    gauges: () =>
      Object.entries(HELP).map(([name, help]) => ({
        name: `backup_node_${name}_total`,
        help,
        type: 'counter' as const,
        value: () => counts.get(name as CounterName) ?? 0,
      })),
  };
}
