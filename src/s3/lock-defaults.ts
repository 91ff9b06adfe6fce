import type { BucketInfo, ObjectAttributes, Retention } from '../../adapters/contract/index.js';
import { isStoreError } from '../../adapters/contract/index.js';
import { S3Error } from './errors.js';
import type { OperationContext } from './operation.js';
import { child, childText, malformed, parseXml, type XmlElement } from './xml.js';

/** The kind of the bucket document that holds the Object Lock configuration. */
export const LOCK_DOCUMENT = 'object-lock';

export interface DefaultRetention {
  readonly mode: Retention['mode'];
  readonly unit: 'Days' | 'Years';
  readonly count: number;
}

/**
 * Adds the bucket's default retention to an object that brings none of its own, and refuses locks in a bucket without
 * Object Lock (S3 User Guide, "Locking objects with Object Lock").
 */
export async function withLock(
  context: OperationContext,
  bucket: BucketInfo,
  attributes: ObjectAttributes,
): Promise<ObjectAttributes> {
  if (!bucket.object_lock) {
    if (attributes.retention !== undefined || attributes.legal_hold !== undefined) throw noLockHere();
    return attributes;
  }
  if (attributes.retention !== undefined) return attributes;
  const rule = await defaultRetention(context);
  if (rule === undefined) return attributes;
  return { ...attributes, retention: { mode: rule.mode, until_ms: endOf(rule, Date.now()) } };
}

/** Throws InvalidRequest when the bucket has no Object Lock. */
export async function requireObjectLock(context: OperationContext): Promise<void> {
  const { store, bucket, signal } = context;
  const info = await store.headBucket({ bucket, signal });
  if (!info.object_lock) throw noLockHere();
}

function noLockHere(): S3Error {
  return new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' });
}

async function defaultRetention(context: OperationContext): Promise<DefaultRetention | undefined> {
  const { store, bucket, signal } = context;
  try {
    const document = await store.getDocument({ bucket, kind: LOCK_DOCUMENT, signal });
    return parseLockConfiguration(parseXml(document.content, 'ObjectLockConfiguration'));
  } catch (error) {
    if (isStoreError(error, 'not_found') && error.subject === 'document') return undefined;
    throw error;
  }
}

function endOf(rule: DefaultRetention, now_ms: number): number {
  const end = new Date(now_ms);
  if (rule.unit === 'Days') end.setUTCDate(end.getUTCDate() + rule.count);
  else end.setUTCFullYear(end.getUTCFullYear() + rule.count);
  return end.getTime();
}

const WHOLE_NUMBER = /^-?\d{1,9}$/;
/** S3 User Guide, "Object Lock considerations": 100 years. */
const DAYS_MAX = 36_500;
const YEARS_MAX = 100;

/** The rule of an `<ObjectLockConfiguration>`, or undefined when it has none; refuses what S3 refuses. */
export function parseLockConfiguration(document: XmlElement): DefaultRetention | undefined {
  if (childText(document, 'ObjectLockEnabled') !== 'Enabled') {
    throw malformed('ObjectLockEnabled must be Enabled');
  }
  const rule = child(document, 'Rule');
  if (rule === undefined) return undefined;
  const retention = child(rule, 'DefaultRetention');
  if (retention === undefined) throw malformed('Rule needs a DefaultRetention');
  const mode = childText(retention, 'Mode');
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw malformed(`Mode ${mode} is not known`);
  const days = childText(retention, 'Days');
  const years = childText(retention, 'Years');
  if ((days === undefined) === (years === undefined)) {
    throw malformed('DefaultRetention needs one of Days and Years');
  }
  if (days !== undefined) return { mode, unit: 'Days', count: period(days, 'Days', DAYS_MAX) };
  return { mode, unit: 'Years', count: period(years ?? '', 'Years', YEARS_MAX) };
}

function period(text: string, unit: 'Days' | 'Years', max: number): number {
  const count = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count)) throw malformed(`${unit} must be a whole number`);
  if (count >= 1 && count <= max) return count;
  throw new S3Error('InvalidRetentionPeriod', {
    message: `Default retention period in ${unit} must be between 1 and ${max}`,
  });
}
