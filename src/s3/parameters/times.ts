import { formatIsoDate, parseHttpDate, parseIsoDate } from '../../wire/http-date.js';

const SECOND_MS = 1000;

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

/** Last-Modified has whole seconds; documents show the same instant, so that both compare equal, as on S3. */
export function wholeSecondsXml(time_ms: number): string {
  return formatIsoDate(Math.floor(time_ms / SECOND_MS) * SECOND_MS);
}
