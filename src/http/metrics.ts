/** The Prometheus exposition (text format 0.0.4) of a node. Everything is gathered when it is asked for. */
import type { Door } from './door.js';
import type { RequestStats } from './request-stats.js';

/** A number that somebody else knows, e.g. from the store; `value` is asked for at each scrape. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  value(): number | Promise<number>;
}

/** Whole families that somebody else counts. `render` gives their lines, without HELP and TYPE. */
interface MetricsSource {
  readonly families: readonly (readonly [name: string, type: string, help: string])[];
  render(): string[];
}

export interface MetricsInput {
  readonly version: string;
  readonly node_id: string;
  readonly doors: readonly { readonly door: Door; readonly stats: RequestStats }[];
  readonly gauges: readonly Gauge[];
  readonly sources: readonly MetricsSource[];
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const FAMILIES: readonly (readonly [string, string, string])[] = [
  [
    'backup_node_requests_total',
    'counter',
    'Requests answered, by door, operation and status (499: the client went away first).',
  ],
  [
    'backup_node_request_duration_seconds',
    'histogram',
    'From the end of the headers to the end of the answer.',
  ],
  [
    'backup_node_requests_lost_total',
    'counter',
    'Requests whose connection ended before the whole answer was sent.',
  ],
  ['backup_node_open_connections', 'gauge', 'Connections open now.'],
  ['backup_node_active_requests', 'gauge', 'Requests under way now.'],
  ['backup_node_received_bytes_total', 'counter', 'Bytes received on connections.'],
  ['backup_node_sent_bytes_total', 'counter', 'Bytes sent on connections.'],
];

function doorLines({ door, stats }: MetricsInput['doors'][number]): string[] {
  const traffic = door.traffic();
  const labels = `{door="${door.name}"}`;
  return [
    ...stats.render(),
    `backup_node_open_connections${labels} ${traffic.open_connections}`,
    `backup_node_active_requests${labels} ${traffic.active_requests}`,
    `backup_node_received_bytes_total${labels} ${traffic.received_bytes}`,
    `backup_node_sent_bytes_total${labels} ${traffic.sent_bytes}`,
  ];
}

/** Memory, CPU, event loop: prom-client's, loaded at the first scrape because a node without scrapes needs none. */
async function processMetrics(): Promise<string> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  registry ??= new Registry();
  if (registry.getMetricsAsArray().length === 0) collectDefaultMetrics({ register: registry });
  return registry.metrics();
}
let registry: import('prom-client').Registry | undefined;

export async function renderMetrics(input: MetricsInput): Promise<string> {
  const lines = [...input.doors.flatMap(doorLines), ...input.sources.flatMap((source) => source.render())];
  const known = [...FAMILIES, ...input.sources.flatMap((source) => source.families)];
  const families = known.flatMap(([name, type, help]) => {
    const own = lines.filter(
      (line) => line.startsWith(name) && /^(?:_bucket|_sum|_count)?\{/.test(line.slice(name.length)),
    );
    return own.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...own];
  });
  const gauges = await Promise.all(
    input.gauges.map(async ({ name, help, type, value }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      `${name} ${await value()}`,
    ]),
  );
  const info = [
    '# HELP backup_node_info What is running.',
    '# TYPE backup_node_info gauge',
    `backup_node_info{version="${input.version}",node_id="${input.node_id}"} 1`,
  ];
  return `${[...info, ...families, ...gauges.flat()].join('\n')}\n${await processMetrics()}`;
}
