import { type BucketInfo, isStoreError } from '../../adapters/contract/index.js';
import type { OperationContext } from './operation.js';
import { headerText } from './parameters/header-text.js';
import { child, children, childText, malformed, parseXml, type XmlElement, xml } from './xml.js';

/** S3 User Guide, "Controlling ownership of objects". */
const OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const;
export type Ownership = (typeof OWNERSHIPS)[number];

/** The kind of the bucket document that holds the ownership controls. */
export const OWNERSHIP_DOCUMENT = 'ownership-controls';

export function isOwnership(text: string | undefined): text is Ownership {
  return OWNERSHIPS.some((known) => known === text);
}

export function ownershipDocument(ownership: Ownership): string {
  return xml('OwnershipControls', { Rule: { ObjectOwnership: ownership } });
}

/** The one rule of an `<OwnershipControls>` document. */
export function parseOwnership(document: XmlElement): Ownership {
  const rules = children(document, 'Rule');
  const rule = child(document, 'Rule');
  const ownership = rule === undefined ? undefined : childText(rule, 'ObjectOwnership');
  if (rules.length !== 1 || !isOwnership(ownership)) {
    throw malformed(`OwnershipControls needs one Rule with one of ${OWNERSHIPS.join(', ')}`);
  }
  return ownership;
}

/** Whose an object is that someone else than the bucket's owner writes. Without controls S3 gives it to the owner. */
export async function objectOwner(context: OperationContext, bucket: BucketInfo): Promise<string> {
  const { identity, headers } = context;
  if (identity.id === bucket.owner) return bucket.owner;
  const ownership = await readOwnership(context);
  if (ownership === undefined || ownership === 'BucketOwnerEnforced') return bucket.owner;
  const handsOver =
    ownership === 'BucketOwnerPreferred' && headerText(headers, 'x-amz-acl') === 'bucket-owner-full-control';
  return handsOver ? bucket.owner : identity.id;
}

async function readOwnership({ store, bucket, signal }: OperationContext): Promise<Ownership | undefined> {
  try {
    const document = await store.getDocument({ bucket, kind: OWNERSHIP_DOCUMENT, signal });
    return parseOwnership(parseXml(document.content, 'OwnershipControls'));
  } catch (error) {
    if (isStoreError(error, 'not_found') && error.subject === 'document') return undefined;
    // Where no documents are kept, no bucket has controls.
    if (isStoreError(error, 'unsupported')) return undefined;
    throw error;
  }
}
