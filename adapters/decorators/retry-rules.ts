import type { DeleteObjectsInput, ErrorKind, ObjectAttributes } from '../contract/index.js';
import type { CallInput, Method } from './around.js';

/**
 * Which calls may be repeated after `unavailable`, when nobody knows whether they were carried out. (After `throttled`
 * they were not, so any may be.)
 *
 * always: it reads, or sets what the first attempt set too. Against a write of another in between, the repeat counts as
 * the later one, as it would if the client itself repeated it: the call had not been answered yet.
 * unless_locked: as `always`, but where versions are kept a repeat leaves a second one of the same content. That is
 * harmless unless a retention forbids removing it for years.
 * unless_conditional: the answer has an outcome for each object, and echoes among them could not be told from refusals.
 */
type Repeat = 'always' | 'unless_locked' | 'unless_conditional' | 'never';

export interface RetryRule {
  readonly repeat: Repeat;
  /**
   * What the repeat fails with where the first attempt had been carried out. Passing that on would tell the caller that
   * another was first; so the caller gets the `unavailable` of the first attempt: the outcome is not known.
   */
  readonly echoes: readonly ErrorKind[];
}

const HARMLESS: RetryRule = { repeat: 'always', echoes: [] };

export const RETRY_RULES: Readonly<Record<Method, RetryRule>> = {
  createBucket: { repeat: 'always', echoes: ['already_exists'] },
  headBucket: HARMLESS,
  deleteBucket: { repeat: 'always', echoes: ['not_found'] },
  listBuckets: HARMLESS,
  putVersioning: HARMLESS,
  getDocument: HARMLESS,
  putDocument: { repeat: 'always', echoes: ['precondition_failed'] },
  deleteDocument: HARMLESS,
  usage: HARMLESS,
  putObject: { repeat: 'unless_locked', echoes: ['precondition_failed'] },
  getObject: HARMLESS,
  headObject: HARMLESS,
  // A condition that named the object finds a delete marker in its place.
  deleteObject: { repeat: 'always', echoes: ['precondition_failed'] },
  deleteObjects: { repeat: 'unless_conditional', echoes: [] },
  copyObject: { repeat: 'unless_locked', echoes: ['precondition_failed'] },
  listObjects: HARMLESS,
  verifyObject: HARMLESS,
  listVersions: HARMLESS,
  getTags: HARMLESS,
  putTags: HARMLESS,
  putRetention: HARMLESS,
  putLegalHold: HARMLESS,
  // The first upload, if there is one, holds no parts and is swept.
  createUpload: HARMLESS,
  // A part in place of the same part.
  uploadPart: { repeat: 'always', echoes: [] },
  copyPart: { repeat: 'always', echoes: ['precondition_failed'] },
  listParts: HARMLESS,
  listUploads: HARMLESS,
  // The contract promises the same answer again; an upstream that forgets uploads cannot give it.
  completeUpload: { repeat: 'always', echoes: ['not_found', 'precondition_failed'] },
  abortUpload: { repeat: 'always', echoes: ['not_found'] },
  listObjectParts: HARMLESS,
  readChanges: HARMLESS,
  waitForChange: HARMLESS,
  // It comes again by its schedule.
  maintain: { repeat: 'never', echoes: [] },
};

export function mayRepeat(rule: RetryRule, input: CallInput): boolean {
  switch (rule.repeat) {
    case 'always':
      return true;
    case 'unless_locked': {
      const { attributes } = input as { readonly attributes?: ObjectAttributes };
      return attributes?.retention === undefined && attributes?.legal_hold === undefined;
    }
    case 'unless_conditional': {
      const { objects } = input as DeleteObjectsInput;
      return objects.every(({ condition }) => condition === undefined);
    }
    case 'never':
      return false;
  }
}
