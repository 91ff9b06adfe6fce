/** ISO 8601 in UTC with `+00:00`: Python before 3.11 cannot parse `Z` (datetime.fromisoformat). */
export function isoTime(at_ms: number): string {
  return `${new Date(at_ms).toISOString().slice(0, -1)}+00:00`;
}
