/** Times as SigV4 writes them: `20130524T000000Z`. */

const BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;

/** Milliseconds since 1970; undefined for any other form. */
export function parseTimestamp(text: string): number | undefined {
  const match = BASIC.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time_ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time_ms) ? undefined : time_ms;
}

export function formatTimestamp(time_ms: number): string {
  return new Date(time_ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

/** ISO 8601 with whole seconds, as the fields of S3's errors have it. */
export function formatSeconds(time_ms: number): string {
  return `${new Date(time_ms).toISOString().slice(0, 19)}Z`;
}
