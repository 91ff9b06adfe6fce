import { invalidArgument } from '../errors.js';

const INTEGER = /^-?\d{1,15}$/;
const INT32_MAX = 2_147_483_647;

/**
 * A count that limits a page: `max-keys` and its relatives. Absent or empty means the most that a page may hold, more
 * is cut down to it, as S3 does.
 */
export function pageLimit(name: string, text: string | undefined, limit_max: number): number {
  if (text === undefined || text === '') return limit_max;
  const value = integer(name, text);
  if (value < 0 || value > INT32_MAX) {
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and ${INT32_MAX}`);
  }
  return Math.min(value, limit_max);
}

/** A marker in a list of part numbers; absent or empty is the beginning. */
export function partMarker(name: string, text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const value = integer(name, text);
  if (value < 0 || value > INT32_MAX) {
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and ${INT32_MAX}`);
  }
  return value;
}

/** A part number within 1..`parts_max` (S3 API reference, "Multipart upload limits"). */
export function partNumber(text: string | undefined, parts_max: number): number {
  const value = text !== undefined && INTEGER.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= parts_max) return value;
  throw invalidArgument(
    'partNumber',
    text ?? '',
    `Part number must be an integer between 1 and ${parts_max}, inclusive`,
  );
}

function integer(name: string, text: string): number {
  if (INTEGER.test(text)) return Number(text);
  throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
}
