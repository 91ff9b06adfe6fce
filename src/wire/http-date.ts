/**
 * HTTP dates (RFC 9110, section 5.6.7) and the ISO 8601 form of S3's XML. Times are milliseconds since 1970, UTC.
 */
const MONTHS: readonly string[] = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
];

const IMF_FIXDATE =
  /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|[+-]0000)$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;
const ISO_8601 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:00)$/;

let last_second = Number.NaN;
let last_text = '';

/** IMF-fixdate, e.g. `Sun, 06 Nov 1994 08:49:37 GMT`; whole seconds, rounded down. */
export function formatHttpDate(time_ms: number): string {
  const second = Math.floor(time_ms / 1000);
  // Answers carry the current second, over and over.
  if (second === last_second) return last_text;
  last_text = new Date(second * 1000).toUTCString();
  last_second = second;
  return last_text;
}

/** `2009-10-12T17:50:30.000Z`. */
export function formatIsoDate(time_ms: number): string {
  return new Date(time_ms).toISOString();
}

/** Any of the three forms that a recipient must accept; undefined for anything else. `now_ms` places two-digit years. */
export function parseHttpDate(text: string, now_ms: number = Date.now()): number | undefined {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed !== null) return utc(fixed[3], month(fixed[2]), fixed[1], fixed[4], fixed[5], fixed[6]);
  const old = RFC_850.exec(text);
  if (old !== null) {
    return utc(fullYear(Number(old[3]), now_ms), month(old[2]), old[1], old[4], old[5], old[6]);
  }
  const asc = ASCTIME.exec(text);
  if (asc !== null) return utc(asc[6], month(asc[1]), asc[2], asc[3], asc[4], asc[5]);
  return undefined;
}

/** ISO 8601 in UTC with seconds, as S3's XML and headers give it; undefined for anything else. */
export function parseIsoDate(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const whole = utc(match[1], Number(match[2]) - 1, match[3], match[4], match[5], match[6]);
  if (whole === undefined) return undefined;
  return whole + Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
}

function month(name: string | undefined): number {
  return MONTHS.indexOf(name ?? '');
}

/** RFC 9110, section 5.6.7: a year that seems more than 50 years ahead lies in the past. */
function fullYear(two_digits: number, now_ms: number): number {
  const this_year = new Date(now_ms).getUTCFullYear();
  const year = this_year - (this_year % 100) + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

type Field = string | number | undefined;

function utc(year: Field, month_index: number, day: Field, hour: Field, minute: Field, second: Field) {
  const [y, d, h, m, s] = [Number(year), Number(day), Number(hour), Number(minute), Number(second)];
  if (month_index < 0 || month_index > 11 || h > 23 || m > 59 || s > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(y, month_index, d);
  // 31 February would roll over into March.
  if (date.getUTCMonth() !== month_index || date.getUTCDate() !== d) return undefined;
  return date.setUTCHours(h, m, s);
}
