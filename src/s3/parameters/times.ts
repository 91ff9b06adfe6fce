import { formatIsoDate, parseHttpDate, parseIsoDate } from '../../wire/http-date.js';

const SECOND_MS = 1000;
const DAY_S = 86_400;
const DATE_LENGTH = '2009-10-12T'.length;
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

/** A time in a header or a document: clients use the HTTP form and ISO 8601 side by side. */
export function parseTime(text: string): number | undefined {
  return parseHttpDate(text) ?? parseIsoDate(text) ?? parseOffsetDate(text);
}

const OFFSET_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?[+-]\d\d:?\d\d$/;

/** ISO 8601 with another offset than UTC, which the time stamp type of Smithy allows. */
function parseOffsetDate(text: string): number | undefined {
  const at_ms = OFFSET_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at_ms) ? undefined : at_ms;
}

let lastDay = Number.NaN;
let lastDayText = '';

/**
 * Last-Modified has whole seconds; documents show the same instant, so that both compare equal, as on S3. A page of a
 * listing calls this a thousand times, mostly for the same day: only the time of day is written anew.
 */
export function wholeSecondsXml(time_ms: number): string {
  const second = Math.floor(time_ms / SECOND_MS);
  const day = Math.floor(second / DAY_S);
  if (day !== lastDay) {
    lastDayText = formatIsoDate(day * DAY_S * SECOND_MS).slice(0, DATE_LENGTH);
    lastDay = day;
  }
  const rest = second - day * DAY_S;
  const minute = Math.floor(rest / 60);
  return `${lastDayText}${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[rest % 60]}.000Z`;
}
