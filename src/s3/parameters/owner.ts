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
