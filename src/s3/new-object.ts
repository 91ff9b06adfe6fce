import type { ObjectAttributes } from '../../adapters/contract/index.js';
import { withLock } from './lock-defaults.js';
import type { OperationContext } from './operation.js';
import { objectOwner } from './ownership.js';
import { objectAttributes } from './parameters/attributes.js';

/** What a new object will be: the headers of its request, completed by what its bucket says of owners and locks. */
export async function newObjectAttributes(context: OperationContext): Promise<ObjectAttributes> {
  const { store, bucket, headers, signal } = context;
  const stated = objectAttributes(headers);
  const info = await store.headBucket({ bucket, signal });
  const owner = await objectOwner(context, info);
  return withLock(context, info, { ...stated, owner });
}
