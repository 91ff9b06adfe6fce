import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import { type Adapter, type ObjectInfo, StoreError } from '../../contract/index.js';
import {
  type Content,
  contentOfObject,
  contentOfParts,
  DIGESTS,
  type DigestedPiece,
  MARK,
  OF_PARTS,
  shownInfo,
  shownSystem,
} from './content.js';
import { PART_EXTRA_BYTES, partsOfEtag, plainBytes, TRAILER_BYTES } from './format.js';
import { KEY_REFERENCE_BYTES, type Keys, notAsSealed } from './keys.js';
import { pinned } from './pinned.js';
import { readAll } from './read-all.js';
import { replaced, unlessReplaced } from './replaced.js';
import { openTrailer, type Trailer } from './trailer.js';

/** One version upstream. */
interface StoredVersion {
  readonly bucket: string;
  readonly info: ObjectInfo;
  readonly signal?: AbortSignal | undefined;
}

export interface Contents {
  /** Asks the upstream for trailers where that is needed. Fails with `corrupt` for what was not encrypted here. */
  of(version: StoredVersion): Promise<Content>;
  /** After a write: what `of` would find out. `etag` is the upstream's, which is another one for each write. */
  remember(bucket: string, key: string, etag: string, content: Content): void;
  /** For listings, without asking: whole where it is known; else the size is computed. */
  shown(bucket: string, info: ObjectInfo): ObjectInfo;
  /** The same for a change, which has an ETag and a size only. */
  known(bucket: string, key: string, etag: string): Content | undefined;
  /** The value of DIGESTS for the version at that address. */
  sealDigests(bucket: string, key: string, content: Content): string;
}

interface SealedDigests {
  readonly size_bytes: number;
  readonly etag: string;
  readonly sha256: string | null;
  readonly checksum: Content['checksum'];
}

const contextOf = (bucket: string, key: string): string => `${bucket}\0${key}`;

export function createContents(inner: Adapter, keys: Keys): Contents {
  const cache = new LRUCache<string, Content>({
    maxSize: LIMITS.encryption_known_pieces_max,
    sizeCalculation: (content) => content.pieces.length + 1,
  });
  const cacheKey = (bucket: string, key: string, etag: string) => `${contextOf(bucket, key)}\0${etag}`;

  /** Digests that were known when the object was written lie with it. */
  const attached = (bucket: string, info: ObjectInfo): Content | undefined => {
    const sealed = info.system[DIGESTS];
    const mark = info.system[MARK];
    if (sealed === undefined || mark === undefined || mark === OF_PARTS) return undefined;
    const text = keys.openText(Buffer.from(sealed, 'base64'), contextOf(bucket, info.key));
    const digests = JSON.parse(text) as SealedDigests;
    if (plainBytes(info.size_bytes, null) !== digests.size_bytes) throw notAsSealed();
    const reference = Buffer.from(mark, 'base64');
    const { size_bytes, checksum } = digests;
    const piece = { kind: 'object', part_number: 1, stored_at: 0, start: 0 } as const;
    return { ...digests, parts_count: null, pieces: [{ ...piece, reference, size_bytes, checksum }] };
  };

  const readTrailer = async (version: StoredVersion, stored_end: number): Promise<Trailer> => {
    const { bucket, info, signal } = version;
    const request = inner.getObject({
      bucket,
      key: info.key,
      ...pinned(info),
      range: { start: stored_end - TRAILER_BYTES, end: stored_end - 1 },
      condition: { if_match: [info.etag] },
      ...(signal && { signal }),
    });
    const { body } = await unlessReplaced(request);
    return openTrailer(keys, await readAll(body));
  };

  const readObject = async (version: StoredVersion, mark: string): Promise<Content> => {
    const { size_bytes } = version.info;
    if (plainBytes(size_bytes, null) === undefined) throw notAsSealed();
    const trailer = await readTrailer(version, size_bytes);
    if (plainBytes(size_bytes, null) !== trailer.size_bytes) throw notAsSealed();
    if (!trailer.reference.equals(Buffer.from(mark, 'base64'))) throw notAsSealed();
    return contentOfObject(trailer.reference, trailer);
  };

  const readParts = async (version: StoredVersion): Promise<Content> => {
    const places = await placesOf(inner, version);
    const parts: DigestedPiece[] = [];
    for (let at = 0; at < places.length; at += LIMITS.encryption_trailers_at_once) {
      const batch = places.slice(at, at + LIMITS.encryption_trailers_at_once);
      const trailers = await Promise.all(
        batch.map((place) => readTrailer(version, place.stored_at + place.size_bytes + PART_EXTRA_BYTES)),
      );
      for (const [index, place] of batch.entries()) {
        const trailer = trailers[index];
        if (trailer === undefined || trailer.size_bytes !== place.size_bytes) throw notAsSealed();
        parts.push({ ...place, kind: 'part', reference: trailer.reference, digests: trailer });
      }
    }
    const { checksum } = version.info;
    const algorithm = parts[0]?.digests.algorithm;
    // The upstream computed its own checksum in the way that was declared when the upload began.
    return contentOfParts(parts, checksum !== null && checksum.algorithm === algorithm ? checksum : null);
  };

  return {
    async of(version) {
      const { bucket, info } = version;
      const mark = info.system[MARK];
      if (mark === undefined) {
        throw new StoreError('corrupt', 'the object was not encrypted by this node', {
          detail: { reason: 'not_encrypted' },
        });
      }
      const at_hand = attached(bucket, info);
      if (at_hand !== undefined) return at_hand;
      const name = cacheKey(bucket, info.key, info.etag);
      const known = cache.get(name);
      if (known !== undefined) return known;
      const content = mark === OF_PARTS ? await readParts(version) : await readObject(version, mark);
      cache.set(name, content);
      return content;
    },
    remember(bucket, key, etag, content) {
      cache.set(cacheKey(bucket, key, etag), content);
    },
    shown(bucket, info) {
      const content = attached(bucket, info) ?? cache.get(cacheKey(bucket, info.key, info.etag));
      if (content !== undefined) return shownInfo(info, content);
      const parts_count = partsOfEtag(info.etag);
      const size_bytes = plainBytes(info.size_bytes, parts_count) ?? info.size_bytes;
      // Not the MD5 of anything a client has: the suffix says so, as it does for objects of parts.
      const etag = parts_count === null ? `${info.etag}-1` : info.etag;
      return { ...info, system: shownSystem(info.system), size_bytes, etag, checksum: null, sha256: null };
    },
    known: (bucket, key, etag) => cache.get(cacheKey(bucket, key, etag)),
    sealDigests(bucket, key, { size_bytes, etag, sha256, checksum }) {
      const digests: SealedDigests = { size_bytes, etag, sha256, checksum };
      return keys.sealText(JSON.stringify(digests), contextOf(bucket, key)).toString('base64');
    },
  };
}

type Place = Omit<DigestedPiece, 'kind' | 'reference' | 'digests'>;

async function placesOf(inner: Adapter, { bucket, info, signal }: StoredVersion): Promise<Place[]> {
  const places: Place[] = [];
  let stored_at = 0;
  let start = 0;
  let after: number | undefined;
  do {
    const page = await inner.listObjectParts({
      bucket,
      key: info.key,
      ...pinned(info),
      ...(after !== undefined && { after }),
      limit: inner.capabilities.list_limit_max,
      ...(signal && { signal }),
    });
    if (page.info.etag !== info.etag) throw replaced();
    for (const part of page.parts) {
      const size_bytes = part.size_bytes - PART_EXTRA_BYTES;
      if (size_bytes < 0) throw notAsSealed();
      places.push({ part_number: part.part_number, stored_at, start, size_bytes });
      stored_at += part.size_bytes;
      start += size_bytes;
    }
    after = page.next ?? undefined;
  } while (after !== undefined);
  if (stored_at !== info.size_bytes) throw notAsSealed();
  return places;
}

export function markOf(reference: Buffer): string {
  return reference.subarray(0, KEY_REFERENCE_BYTES).toString('base64');
}
