import type { ObjectInfo } from '../../contract/index.js';

/**
 * Names the version that was seen. The null version is named only while it hides behind later ones: upstreams without
 * versions know no ids, and if it is replaced its ETag tells.
 */
export function pinned({ version_id, is_latest }: ObjectInfo): { readonly version_id?: string } {
  return version_id === 'null' && is_latest ? {} : { version_id };
}
