import type { DeleteObjectResult, DeleteObjectsInput } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { parseDeleteCondition } from '../conditions.js';
import { S3Error } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { requestDocument } from '../parameters/address.js';
import { carriesDigest } from '../parameters/checksums.js';
import { bypassesGovernance } from '../parameters/object-lock.js';
import { toS3Error } from '../store-errors.js';
import { children, childText, malformed, type XmlContent, type XmlElement, xml } from '../xml.js';

/** S3 API reference, "DeleteObjects". */
export const deleteObjects: Operation = {
  name: 'DeleteObjects',
  action: 's3:DeleteObject',
  body: 'xml',
  run,
};

type Target = DeleteObjectsInput['objects'][number];

async function run(context: OperationContext): Promise<Reply> {
  const { headers, identity } = context;
  if (!carriesDigest(headers)) {
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    });
  }
  const document = await requestDocument(context, 'Delete');
  const elements = children(document, 'Object');
  if (elements.length === 0 || elements.length > LIMITS.delete_batch_max) {
    throw malformed(`between 1 and ${LIMITS.delete_batch_max} objects can be deleted at once`);
  }
  const quiet = childText(document, 'Quiet')?.trim().toLowerCase() === 'true';
  const bypass_governance = bypassesGovernance(headers);
  const targets = elements.map((element) => ({
    ...parseTarget(element),
    owner: identity.id,
    bypass_governance,
  }));
  const results = await deleteAll(context, targets);
  const deleted: XmlContent[] = [];
  const errors: XmlContent[] = [];
  for (const [index, target] of targets.entries()) {
    const result = results[index];
    if (result === undefined) throw new Error('the store answered for fewer objects than it was given');
    if ('error' in result) errors.push(errorEntry(context, target, result.error));
    else if (!quiet) deleted.push(deletedEntry(target, result));
  }
  return { status: 200, body: xml('DeleteResult', { Deleted: deleted, Error: errors }) };
}

function parseTarget(element: XmlElement): Target {
  const key = childText(element, 'Key');
  if (key === undefined || key === '') throw malformed('an Object needs a Key');
  const version_id = childText(element, 'VersionId');
  const condition = parseDeleteCondition(
    childText(element, 'ETag'),
    childText(element, 'LastModifiedTime'),
    childText(element, 'Size'),
  );
  return {
    key,
    ...(version_id === undefined || version_id === '' ? {} : { version_id }),
    ...(condition === undefined ? {} : { condition }),
  };
}

/** In portions that the store can take. */
async function deleteAll({ store, bucket, signal }: OperationContext, targets: readonly Target[]) {
  const portion = Math.max(1, store.capabilities.delete_batch_max);
  const results: (DeleteObjectResult | { readonly error: Error })[] = [];
  for (let start = 0; start < targets.length; start += portion) {
    const objects = targets.slice(start, start + portion);
    results.push(...(await store.deleteObjects({ bucket, objects, signal })));
  }
  return results;
}

function deletedEntry(target: Target, result: DeleteObjectResult): XmlContent {
  return {
    Key: target.key,
    VersionId: target.version_id,
    DeleteMarker: result.delete_marker ? true : undefined,
    DeleteMarkerVersionId: result.delete_marker ? result.version_id : undefined,
  };
}

function errorEntry(context: OperationContext, target: Target, error: Error): XmlContent {
  const { code, message } = toS3Error(error, {
    bucket: context.bucket,
    key: target.key,
    version_id: target.version_id,
    upload_id: undefined,
    identity_id: context.identity.id,
  });
  return { Key: target.key, VersionId: target.version_id, Code: code, Message: message };
}
