import type { AdapterReport } from '../../adapters/inspect.js';
import { isoTime } from './times.js';

/** Reports of adapters in the form of the node API: snake_case, times in ISO 8601. */

const timeOf = (at_ms: number | null | undefined): string | null => (at_ms == null ? null : isoTime(at_ms));

/** The part of a report that /api/v1/status shows of each upstream. */
export function upstreamReport({ name, type, provider, server, ...report }: AdapterReport): object {
  const { reachable, latency_ms, checked_at_ms, last_error } = report;
  return {
    name,
    type,
    provider,
    reachable,
    latency_ms: latency_ms === null ? null : Math.round(latency_ms * 100) / 100,
    checked_at: timeOf(checked_at_ms),
    last_error: last_error && { kind: last_error.kind, at: isoTime(last_error.at_ms) },
    server,
  };
}

export function adapterReport(report: AdapterReport): object {
  return { ...upstreamReport(report), capabilities: report.capabilities, feed: feedReport(report.feed) };
}

function feedReport(feed: AdapterReport['feed']): object | null {
  if (feed === null) return null;
  const { baseline_at_ms, reconciled_at_ms, ...rest } = feed;
  const times = { baseline_at: timeOf(baseline_at_ms), reconciled_at: timeOf(reconciled_at_ms) };
  if (!('notifications' in rest)) return { ...rest, ...times };
  const { last_record_at_ms, ...notifications } = rest.notifications;
  return {
    ...rest,
    ...times,
    notifications: { ...notifications, last_record_at: timeOf(last_record_at_ms) },
  };
}
