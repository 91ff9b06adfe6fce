import { LIMITS } from '../../../config/limits.js';
import { type Adapter, type Change, isStoreError, type ObjectInfo } from '../../contract/index.js';
import { createLimiter } from '../../limiter.js';
import type { Codec, Listed } from './codec.js';
import { shownInfo, shownSystem } from './content.js';
import type { Contents, Known } from './contents.js';
import { whileReplaced } from './replaced.js';

interface Call {
  readonly bucket: string;
  readonly signal?: AbortSignal | undefined;
}

/** What is shown of listed versions and of changes. Undefined: the version vanished meanwhile. */
export interface Listings {
  latest(call: Call, listed: ObjectInfo): Promise<ObjectInfo | undefined>;
  version(call: Call, listed: ObjectInfo): Promise<ObjectInfo | undefined>;
  change(call: { readonly signal?: AbortSignal | undefined }, change: Change): Promise<Change>;
}

interface Found {
  readonly info: ObjectInfo;
  readonly content: Known;
}

/**
 * An upstream's listings show sizes and ETags of what it holds, and no attributes. What is not known yet is computed where
 * the codec can, else asked for.
 */
export function createListings(inner: Adapter, contents: Contents, codec: Codec): Listings {
  const { names, sizeOf } = codec;
  const atOnce = createLimiter(LIMITS.recoded_lookups_at_once);

  /** Undefined where there is no such version to read. */
  const ask = (
    call: Call,
    key: string,
    version: { readonly version_id?: string },
  ): Promise<Found | undefined> =>
    atOnce(async () => {
      const { bucket, signal } = call;
      try {
        return await whileReplaced(async () => {
          const { info } = await inner.headObject({ bucket, key, ...version, ...(signal && { signal }) });
          return { info, content: await contents.of({ bucket, info, signal }) };
        });
      } catch (error) {
        const gone = isStoreError(error, 'not_found') || isStoreError(error, 'delete_marker');
        if (gone) return undefined;
        throw error;
      }
    });

  /** All that can be told without asking. */
  const told = (listed: Listed): Listed => ({
    size_bytes: sizeOf?.(listed) ?? listed.size_bytes,
    etag: unlikeMd5(listed.etag),
  });

  const unknown = (listed: ObjectInfo): ObjectInfo => {
    const system = shownSystem(names, listed.system);
    return { ...listed, ...told(listed), system, checksum: null, sha256: null };
  };

  const show = async (
    call: Call,
    listed: ObjectInfo,
    find: () => Promise<Found | undefined>,
  ): Promise<ObjectInfo | undefined> => {
    try {
      const known = contents.known(call.bucket, listed);
      if (known !== undefined) return shownInfo(names, listed, known);
      if (sizeOf !== undefined) return unknown(listed);
      const found = await find();
      if (found === undefined) return undefined;
      return shownInfo(names, found.info.etag === listed.etag ? listed : found.info, found.content);
    } catch (error) {
      // One object that cannot be read does not hide the others.
      if (isStoreError(error, 'corrupt') || isStoreError(error, 'access_denied')) return unknown(listed);
      throw error;
    }
  };

  return {
    latest: (call, listed) => show(call, listed, () => ask(call, listed.key, {})),
    version: (call, listed) =>
      show(call, listed, async () => {
        const { key, version_id } = listed;
        // Without an id it is one request below: nobody has to find out which version is the latest.
        const found = await ask(call, key, listed.is_latest ? {} : { version_id });
        return found?.info.version_id === version_id ? found : ask(call, key, { version_id });
      }),
    async change({ signal }, change) {
      const { bucket, key, etag } = change;
      if (etag === '') return change;
      const call = { bucket, ...(signal && { signal }) };
      const known = contents.known(bucket, { key, etag });
      const content = known === undefined && sizeOf === undefined ? await changed(call, change) : known;
      if (content === null) return change;
      const shown = content ?? told(change);
      return { ...change, etag: shown.etag, size_bytes: shown.size_bytes };
    },
  };

  /** Undefined where what was written is not there any more. */
  async function changed(call: Call, { key, version_id, etag }: Change): Promise<Known | undefined> {
    try {
      const latest = version_id === 'null' ? await ask(call, key, {}) : undefined;
      const found = latest?.info.etag === etag ? latest : await ask(call, key, { version_id });
      return found?.info.etag === etag ? found.content : undefined;
    } catch (error) {
      if (isStoreError(error, 'corrupt') || isStoreError(error, 'access_denied')) return undefined;
      throw error;
    }
  }
}

/** Not the MD5 of anything a client has: the suffix says so, as it does for objects of parts. */
function unlikeMd5(etag: string): string {
  return /-\d+$/.test(etag) ? etag : `${etag}-1`;
}
