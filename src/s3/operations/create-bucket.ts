import { isStoreError } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { invalidArgument, notImplemented, S3Error } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { isOwnership, OWNERSHIP_DOCUMENT, type Ownership, ownershipDocument } from '../ownership.js';
import { refuseUnsupported } from '../parameters/attributes.js';
import { checkBucketName } from '../parameters/bucket-name.js';
import { headerText } from '../parameters/header-text.js';
import { checkedTags, tagSetXml, tagsOf } from '../parameters/tags.js';
import { child, childText, parseXml, type XmlElement, xmlDocument } from '../xml.js';

/** S3 API reference, "CreateBucket". */
export const createBucket: Operation = { name: 'CreateBucket', action: 's3:CreateBucket', body: 'xml', run };

/** The region in which S3 keeps the old behaviour: creating one's own bucket again succeeds. */
const LENIENT_REGION = 'us-east-1';

async function run(context: OperationContext): Promise<Reply> {
  const { bucket, headers, payload, store, identity, signal } = context;
  checkBucketName(bucket);
  for (const name in headers) refuseUnsupported(name, headers);
  const ownership = ownershipOf(headerText(headers, 'x-amz-object-ownership'));
  const object_lock = lockEnabled(headerText(headers, 'x-amz-bucket-object-lock-enabled'));
  const document = payload.size_bytes === 0 ? '' : await payload.text(LIMITS.xml_bytes_max);
  const configuration = document === '' ? undefined : parseXml(document, 'CreateBucketConfiguration');
  const region = regionOf(configuration, context.region);
  const tagging = taggingOf(configuration);
  const documents = {
    ...(ownership === undefined ? {} : { [OWNERSHIP_DOCUMENT]: ownershipDocument(ownership) }),
    ...(tagging === undefined ? {} : { tagging }),
  };
  try {
    await store.createBucket({ bucket, owner: identity.id, region, object_lock, documents, signal });
  } catch (error) {
    const lenient = context.region === LENIENT_REGION && ownedAlready(error, identity.id);
    if (!lenient || !(await isAsAsked(context, object_lock, documents))) throw error;
  }
  return { status: 200, headers: { location: `/${bucket}` } };
}

/** A success that left the bucket without what was asked for would be taken for one with it. */
async function isAsAsked(
  { store, bucket, signal }: OperationContext,
  object_lock: boolean,
  documents: Readonly<Record<string, string>>,
): Promise<boolean> {
  if (object_lock && !(await store.headBucket({ bucket, signal })).object_lock) return false;
  for (const [kind, asked] of Object.entries(documents)) {
    try {
      if ((await store.getDocument({ bucket, kind, signal })).content !== asked) return false;
    } catch (error) {
      if (isStoreError(error, 'not_found') && error.subject === 'document') return false;
      throw error;
    }
  }
  return true;
}

function ownedAlready(error: unknown, identity_id: string): boolean {
  return isStoreError(error, 'already_exists') && error.detail.owner === identity_id;
}

function ownershipOf(value: string | undefined): Ownership | undefined {
  if (value === undefined || isOwnership(value)) return value;
  throw invalidArgument('x-amz-object-ownership', value, 'Invalid x-amz-object-ownership header');
}

function lockEnabled(value: string | undefined): boolean {
  if (value === undefined) return false;
  const lower = value.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
  throw invalidArgument('x-amz-bucket-object-lock-enabled', value);
}

/** The region that the bucket is in: that of the node, which the client may name or leave out. */
function regionOf(configuration: XmlElement | undefined, region: string): string {
  if (configuration === undefined) return region;
  if (child(configuration, 'Bucket') !== undefined || child(configuration, 'Location') !== undefined) {
    throw notImplemented('A directory bucket');
  }
  const wanted = childText(configuration, 'LocationConstraint');
  if (wanted === undefined || wanted === '') return region;
  if (wanted !== region) {
    throw new S3Error('InvalidLocationConstraint', { fields: { LocationConstraint: wanted } });
  }
  return region;
}

function taggingOf(configuration: XmlElement | undefined): string | undefined {
  const tags = configuration === undefined ? undefined : child(configuration, 'Tags');
  if (tags === undefined) return undefined;
  return xmlDocument('Tagging', tagSetXml(checkedTags(tagsOf(tags), LIMITS.tags_per_bucket_max)));
}
