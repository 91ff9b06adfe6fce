import type { ListEntry } from '../../../adapters/contract/index.js';
import type { OperationContext } from '../operation.js';
import { escapeXml } from '../xml.js';

type Credentials = OperationContext['credentials'];

/** The members of an owner or initiator: ID and DisplayName. Someone who is gone is shown by id alone. */
export function ownerMembers(id: string, credentials: Credentials): string {
  const name = credentials.findById(id)?.display_name ?? '';
  const display = name === '' ? '' : `<DisplayName>${escapeXml(name)}</DisplayName>`;
  return `<ID>${escapeXml(id)}</ID>${display}`;
}

/** Writes `<Owner>` elements; the same few owners recur in a listing, so each is rendered once. */
export function ownerWriter(
  credentials: Credentials,
  element: 'Owner' | 'Initiator' = 'Owner',
): (id: string) => string {
  const known = new Map<string, string>();
  return (id) => {
    let xml = known.get(id);
    if (xml === undefined) {
      xml = `<${element}>${ownerMembers(id, credentials)}</${element}>`;
      known.set(id, xml);
    }
    return xml;
  };
}

/** An object of which the storage does not say whose it is: one that others wrote upstream. It is the bucket owner's. */
export async function knownOwner(
  { store, bucket, signal }: Pick<OperationContext, 'store' | 'bucket' | 'signal'>,
  owner: string,
): Promise<string> {
  return owner === '' ? (await store.headBucket({ bucket, signal })).owner : owner;
}

/** As `ownerWriter`, for the entries of a listing; listings of an upstream tell nobody's name. */
export async function listedOwnerWriter(
  context: OperationContext,
  entries: readonly ListEntry<{ readonly owner: string }>[],
): Promise<(id: string) => string> {
  const write = ownerWriter(context.credentials);
  if (!entries.some((entry) => entry.type === 'item' && entry.item.owner === '')) return write;
  const owner = await knownOwner(context, '');
  return (id) => write(id === '' ? owner : id);
}
