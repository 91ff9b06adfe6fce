/** Times as SigV4 writes them: `20130524T000000Z`. */

const BASIC = /^\d{8}T\d{6}Z$/;

let lastText = '';
let lastTime: number | undefined;

/** Milliseconds since 1970; undefined for any other form. Under load, many requests carry the same second. */
export function parseTimestamp(text: string): number | undefined {
  if (text === lastText) return lastTime;
  lastTime = readTimestamp(text);
  lastText = text;
  return lastTime;
}

function readTimestamp(text: string): number | undefined {
  if (!BASIC.test(text)) return undefined;
  const at = (start: number, end: number) => Number(text.slice(start, end));
  const [month, day, hour, minute] = [at(4, 6), at(6, 8), at(9, 11), at(11, 13)];
  const time_ms = Date.UTC(at(0, 4), month - 1, day, hour, minute, at(13, 15));
  // Date.UTC lets 31 February roll over into March, and 24:00 into the next day.
  const date = new Date(time_ms);
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour;
  return same && date.getUTCMinutes() === minute ? time_ms : undefined;
}

export function formatTimestamp(time_ms: number): string {
  return new Date(time_ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

/** ISO 8601 with whole seconds, as the fields of S3's errors have it. */
export function formatSeconds(time_ms: number): string {
  return `${new Date(time_ms).toISOString().slice(0, 19)}Z`;
}
