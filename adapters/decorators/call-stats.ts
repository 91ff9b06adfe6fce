import type { Method } from './around.js';
import type { BodyRecord, CallObserver, CallRecord, CallResult } from './metrics.js';

/** Counts of calls in plain numbers, put into words (Prometheus text format 0.0.4) when they are scraped. */
export interface CallStats {
  readonly observer: CallObserver;
  /** Lines without HELP and TYPE; CALL_STATS_FAMILIES has those. */
  render(): string[];
}

/** Name, type and help of what `render` gives. */
export const CALL_STATS_FAMILIES: readonly (readonly [name: string, type: string, help: string])[] = [
  ['backup_node_adapter_calls_total', 'counter', 'Calls to storage adapters, by method and result.'],
  [
    'backup_node_adapter_call_duration_seconds',
    'summary',
    'Until the answer; the body that it may carry comes after it.',
  ],
  ['backup_node_adapter_received_bytes_total', 'counter', 'Bytes of bodies that adapters took.'],
  ['backup_node_adapter_sent_bytes_total', 'counter', 'Bytes of bodies that were read from adapters.'],
];

interface MethodStats {
  readonly labels: string;
  readonly results: Map<CallResult, number>;
  count: number;
  sum_s: number;
  in_bytes: number;
  out_bytes: number;
}

export function createCallStats(): CallStats {
  const adapters = new Map<string, Map<Method, MethodStats>>();

  const statsOf = ({ adapter, method }: CallRecord | BodyRecord): MethodStats => {
    let methods = adapters.get(adapter);
    if (methods === undefined) {
      methods = new Map();
      adapters.set(adapter, methods);
    }
    let stats = methods.get(method);
    if (stats === undefined) {
      const labels = `adapter="${adapter}",method="${method}"`;
      stats = { labels, results: new Map(), count: 0, sum_s: 0, in_bytes: 0, out_bytes: 0 };
      methods.set(method, stats);
    }
    return stats;
  };

  return {
    observer: {
      onCall(call) {
        const stats = statsOf(call);
        stats.results.set(call.result, (stats.results.get(call.result) ?? 0) + 1);
        stats.count += 1;
        stats.sum_s += call.duration_ms / 1000;
        stats.in_bytes += call.in_bytes;
      },
      onBody(body) {
        statsOf(body).out_bytes += body.out_bytes;
      },
    },
    render: () =>
      [...adapters.values()].flatMap((methods) =>
        [...methods.values()].flatMap((stats) => [...lines(stats)]),
      ),
  };
}

function* lines(stats: MethodStats): Generator<string> {
  const { labels } = stats;
  for (const [result, count] of stats.results) {
    yield `backup_node_adapter_calls_total{${labels},result="${result}"} ${count}`;
  }
  yield `backup_node_adapter_call_duration_seconds_sum{${labels}} ${stats.sum_s}`;
  yield `backup_node_adapter_call_duration_seconds_count{${labels}} ${stats.count}`;
  if (stats.in_bytes > 0) yield `backup_node_adapter_received_bytes_total{${labels}} ${stats.in_bytes}`;
  if (stats.out_bytes > 0) yield `backup_node_adapter_sent_bytes_total{${labels}} ${stats.out_bytes}`;
}
