import type { OperationContext } from '../operation.js';
import { xmlDocument } from '../xml.js';
import { ownerMembers } from './owner.js';

/** The `private` canned ACL (S3 User Guide, "Access control list overview"), which all buckets and objects have. */
export function accessControlPolicy(owner: string, credentials: OperationContext['credentials']): string {
  const members = ownerMembers(owner, credentials);
  const grantee =
    '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">' +
    `${members}</Grantee>`;
  return xmlDocument(
    'AccessControlPolicy',
    `<Owner>${members}</Owner><AccessControlList><Grant>${grantee}` +
      '<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>',
  );
}
