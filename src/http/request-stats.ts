/** Request counts and durations, counted in plain arrays on the hot path and put into words when they are scraped. */
import type { Exchange } from './exchange.js';

/** Upper bounds of the duration histogram, in seconds. */
const BOUNDS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

interface OperationStats {
  readonly statuses: Map<number, number>;
  readonly buckets: Float64Array;
  sum_s: number;
}

export interface RequestStats {
  record(exchange: Exchange): void;
  render(): string[];
}

function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

export function createRequestStats(door: string): RequestStats {
  const operations = new Map<string, OperationStats>();
  let lost = 0;

  const statsOf = (operation: string): OperationStats => {
    let stats = operations.get(operation);
    if (stats === undefined) {
      stats = { statuses: new Map(), buckets: new Float64Array(BOUNDS_S.length + 1), sum_s: 0 };
      operations.set(operation, stats);
    }
    return stats;
  };

  return {
    record: (exchange) => {
      const { response } = exchange;
      if (!response.writableFinished) lost++;
      const stats = statsOf(exchange.operation);
      const status = response.headersSent ? response.statusCode : 499;
      stats.statuses.set(status, (stats.statuses.get(status) ?? 0) + 1);
      const seconds = (performance.now() - exchange.started_at) / 1000;
      stats.sum_s += seconds;
      let bucket = 0;
      while (bucket < BOUNDS_S.length && seconds > (BOUNDS_S[bucket] ?? 0)) bucket++;
      stats.buckets[bucket] = (stats.buckets[bucket] ?? 0) + 1;
    },
    render: () => {
      const lines: string[] = [`backup_node_requests_lost_total{door="${door}"} ${lost}`];
      for (const [name, stats] of operations) {
        const labels = `door="${door}",operation="${label(name === '' ? 'unknown' : name)}"`;
        for (const [status, count] of stats.statuses) {
          lines.push(`backup_node_requests_total{${labels},status="${status}"} ${count}`);
        }
        let cumulative = 0;
        BOUNDS_S.forEach((bound, index) => {
          cumulative += stats.buckets[index] ?? 0;
          lines.push(`backup_node_request_duration_seconds_bucket{${labels},le="${bound}"} ${cumulative}`);
        });
        cumulative += stats.buckets[BOUNDS_S.length] ?? 0;
        lines.push(
          `backup_node_request_duration_seconds_bucket{${labels},le="+Inf"} ${cumulative}`,
          `backup_node_request_duration_seconds_sum{${labels}} ${stats.sum_s}`,
          `backup_node_request_duration_seconds_count{${labels}} ${cumulative}`,
        );
      }
      return lines;
    },
  };
}
