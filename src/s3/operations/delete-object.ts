import { deleteCondition } from '../conditions.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { objectAddress, versionHeader } from '../parameters/address.js';
import { bypassesGovernance } from '../parameters/object-lock.js';

/** S3 API reference, "DeleteObject". */
export const deleteObject: Operation = {
  name: 'DeleteObject',
  action: 's3:DeleteObject',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { store, headers, identity } = context;
  const condition = deleteCondition(headers);
  const result = await store.deleteObject({
    ...objectAddress(context),
    owner: identity.id,
    bypass_governance: bypassesGovernance(headers),
    ...(condition === undefined ? {} : { condition }),
  });
  return {
    status: 204,
    headers: {
      ...versionHeader(result.version_id),
      ...(result.delete_marker ? { 'x-amz-delete-marker': 'true' } : {}),
    },
  };
}
