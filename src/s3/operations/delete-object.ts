import { deleteCondition } from '../conditions.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { objectAddress } from '../parameters/address.js';
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
      // `null` too: the marker of a suspended bucket has no other id, and a removed version is told by what named it.
      'x-amz-version-id': result.version_id,
      'x-amz-delete-marker': result.delete_marker ? 'true' : undefined,
    },
  };
}
