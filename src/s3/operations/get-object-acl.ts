import type { Operation } from '../operation.js';
import { accessControlPolicy } from '../parameters/acl.js';
import { objectAddress, readVersionHeader } from '../parameters/address.js';
import { knownOwner } from '../parameters/owner.js';

/** S3 API reference, "GetObjectAcl": the owner has all rights, nobody else has any by ACL. */
export const getObjectAcl: Operation = {
  name: 'GetObjectAcl',
  action: 's3:GetObjectAcl',
  body: 'none',
  async run(context) {
    const { info } = await context.store.headObject(objectAddress(context));
    return {
      status: 200,
      headers: readVersionHeader(info),
      body: accessControlPolicy(await knownOwner(context, info.owner), context.credentials),
    };
  },
};
