import { parseIsoDate } from '../../wire/http-date.js';
import { S3Error } from '../errors.js';

/** S3 API reference, "Browser-based uploads using POST", "Creating a POST policy". */
export interface PostPolicy {
  readonly expires_at_ms: number;
  readonly conditions: readonly PolicyCondition[];
  readonly size: { readonly min_bytes: number; readonly max_bytes: number } | undefined;
}

interface PolicyCondition {
  readonly match: 'eq' | 'starts-with';
  /** Lower case. */
  readonly field: string;
  readonly value: string;
  /** As the client wrote it, for the error message. */
  readonly text: string;
}

/** `encoded` is the base64 text of the form; InvalidPolicyDocument for what is no policy. */
export function parsePolicy(encoded: string): PostPolicy {
  const document = parseJson(Buffer.from(encoded, 'base64').toString('utf8'));
  const { expiration, conditions } = document;
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.');
  const expires_at_ms = parseIsoDate(expiration);
  if (expires_at_ms === undefined) throw invalid(`Invalid 'expiration' value: '${expiration}'`);
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.');
  const fields: PolicyCondition[] = [];
  let size: PostPolicy['size'];
  for (const condition of conditions as readonly unknown[]) {
    const range = sizeRange(condition);
    if (range === undefined) fields.push(...fieldConditions(condition));
    else size = range;
  }
  return { expires_at_ms, conditions: fields, size };
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch {
    // Answered below, like JSON of another shape.
  }
  throw invalid('Invalid JSON.');
}

function sizeRange(condition: unknown): PostPolicy['size'] {
  if (!Array.isArray(condition) || condition[0] !== 'content-length-range') return undefined;
  const [, min_bytes, max_bytes, ...more] = condition.map((part) => Number(part ?? Number.NaN));
  if (!isSize(min_bytes) || !isSize(max_bytes) || more.length > 0) {
    throw invalid('Invalid Condition content-length-range.');
  }
  return { min_bytes, max_bytes };
}

function isSize(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}

/** `{"acl": "private"}`, or `["starts-with", "$key", "user/"]`. */
function fieldConditions(condition: unknown): PolicyCondition[] {
  if (Array.isArray(condition)) {
    const [match, name, value, ...more] = condition as readonly unknown[];
    const lower = typeof match === 'string' ? match.toLowerCase() : '';
    if (lower !== 'eq' && lower !== 'starts-with') throw invalid(`Invalid Condition: ${String(match)}`);
    if (typeof name !== 'string' || !name.startsWith('$') || typeof value !== 'string' || more.length > 0) {
      throw invalid('Invalid Condition: wrong number or type of arguments.');
    }
    return [toCondition(lower, name.slice(1), value)];
  }
  if (typeof condition !== 'object' || condition === null) throw invalid('Invalid Condition.');
  const entries = Object.entries(condition);
  if (entries.length !== 1) throw invalid('Invalid Simple-Condition: it must have exactly one property.');
  return entries.map(([name, value]) => {
    if (typeof value !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.');
    return toCondition('eq', name, value);
  });
}

function toCondition(match: PolicyCondition['match'], name: string, value: string): PolicyCondition {
  return { match, field: name.toLowerCase(), value, text: JSON.stringify([match, `$${name}`, value]) };
}

/** Fields that say who signs and what, or that only prove the bytes: no condition has to name them. */
const EXEMPT: ReadonlySet<string> = new Set([
  'policy',
  'file',
  'signature',
  'awsaccesskeyid',
  'x-amz-signature',
]);
const EXEMPT_PREFIXES = ['x-ignore-', 'x-amz-checksum-'];

/** Throws unless the form keeps to the policy. `fields` by lower-case name, `bucket` among them. */
export function checkPolicy(
  policy: PostPolicy,
  fields: ReadonlyMap<string, string>,
  size_bytes: number,
  now_ms: number,
): void {
  if (policy.expires_at_ms <= now_ms) throw denied('Policy expired.');
  for (const condition of policy.conditions) {
    const value = fields.get(condition.field) ?? '';
    if (!holds(condition, value)) throw denied(`Policy Condition failed: ${condition.text}`);
  }
  const named = new Set(policy.conditions.map(({ field }) => field));
  for (const field of fields.keys()) {
    if (named.has(field) || EXEMPT.has(field) || field === 'bucket') continue;
    if (EXEMPT_PREFIXES.some((prefix) => field.startsWith(prefix))) continue;
    throw denied(`Extra input fields: ${field}`);
  }
  checkSize(policy, size_bytes);
}

/** A `starts-with` on the type takes a list of types apart (same page, "Condition matching"). */
function holds({ match, field, value: wanted }: PolicyCondition, value: string): boolean {
  if (match === 'eq') return value === wanted;
  if (field === 'content-type') return value.split(',').every((type) => type.trim().startsWith(wanted));
  return value.startsWith(wanted);
}

function checkSize({ size }: PostPolicy, size_bytes: number): void {
  if (size === undefined) return;
  if (size_bytes < size.min_bytes) {
    throw new S3Error('EntityTooSmall', {
      fields: { ProposedSize: size_bytes, MinSizeAllowed: size.min_bytes },
    });
  }
  if (size_bytes > size.max_bytes) {
    throw new S3Error('EntityTooLarge', {
      fields: { ProposedSize: size_bytes, MaxSizeAllowed: size.max_bytes },
    });
  }
}

function denied(reason: string): S3Error {
  return new S3Error('AccessDenied', { message: `Invalid according to Policy: ${reason}` });
}

function invalid(reason: string): S3Error {
  return new S3Error('InvalidPolicyDocument', { message: `Invalid Policy: ${reason}` });
}
