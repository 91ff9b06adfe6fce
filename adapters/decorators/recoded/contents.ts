import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import type { Adapter, ObjectInfo } from '../../contract/index.js';
import { createLimiter } from '../../limiter.js';
import { type Codec, notAsWritten, type Trailer } from './codec.js';
import {
  type Content,
  contentOfObject,
  contentOfParts,
  type DigestedPiece,
  declaredOf,
  isOfParts,
} from './content.js';
import { pinned } from './pinned.js';
import { readAll } from './read-all.js';
import { replaced, unlessReplaced } from './replaced.js';

/** One version upstream. */
interface StoredVersion {
  readonly bucket: string;
  readonly info: ObjectInfo;
  readonly signal?: AbortSignal | undefined;
}

/** Null: it lies upstream as clients see it. */
export type Known = Content | null;

export interface Contents {
  /**
   * `info` tells the version's attributes. Asks the upstream for trailers where that is needed. Fails with `corrupt` for
   * what cannot be of this codec.
   */
  of(version: StoredVersion): Promise<Known>;
  /** After a write: what `of` would find out. `etag` is the upstream's, which is another one for each write. */
  remember(bucket: string, key: string, etag: string, content: Known): void;
  /** Without asking; undefined where that is not known. `listed` may lack all attributes. */
  known(bucket: string, listed: Pick<ObjectInfo, 'key' | 'etag'> & Partial<ObjectInfo>): Known | undefined;
  /** Whether the key's object was as clients see it when it was last looked at. */
  wasUnchanged(bucket: string, key: string): boolean;
  /** The value of the codec's `digests` for the version at that address. */
  sealDigests(bucket: string, key: string, content: Content): string;
}

interface SealedDigests {
  readonly size_bytes: number;
  readonly etag: string;
  readonly sha256: string | null;
  readonly checksum: Content['checksum'];
}

const contextOf = (bucket: string, key: string): string => `${bucket}\0${key}`;
const UNCHANGED = 'unchanged';

export function createContents(inner: Adapter, codec: Codec): Contents {
  const { names, sealing, trailer_bytes } = codec;
  const cache = new LRUCache<string, Content | typeof UNCHANGED>({
    maxSize: LIMITS.recoded_known_pieces_max,
    sizeCalculation: (content) => (content === UNCHANGED ? 1 : content.pieces.length + 1),
  });
  const unchanged_keys = new LRUCache<string, true>({ max: LIMITS.recoded_unchanged_keys_max });
  const trailersAtOnce = createLimiter(LIMITS.recoded_trailers_at_once);
  const cacheKey = (bucket: string, key: string, etag: string) => `${contextOf(bucket, key)}\0${etag}`;

  const remember = (bucket: string, key: string, etag: string, content: Known): void => {
    cache.set(cacheKey(bucket, key, etag), content ?? UNCHANGED);
    if (content === null) unchanged_keys.set(contextOf(bucket, key), true);
    else unchanged_keys.delete(contextOf(bucket, key));
  };

  /** Digests that were known when the object was written lie with it. */
  const attached = (bucket: string, key: string, info: Partial<ObjectInfo>): Content | undefined => {
    const sealed = info.system?.[names.digests];
    const mark = info.system?.[names.mark];
    if (sealed === undefined || mark === undefined || isOfParts(mark)) return undefined;
    const digests = readDigests(sealing.open(Buffer.from(sealed, 'base64'), contextOf(bucket, key)));
    const { size_bytes, checksum } = digests;
    const form = { kind: 'object', reference: Buffer.from(mark, 'base64'), size_bytes } as const;
    if (codec.storedBytes(form) !== info.size_bytes) throw notAsWritten();
    return {
      ...digests,
      parts_count: null,
      pieces: [{ ...form, part_number: 1, stored_at: 0, start: 0, checksum }],
    };
  };

  const readTrailer = async (version: StoredVersion, stored_end: number): Promise<Trailer> => {
    const { bucket, info, signal } = version;
    if (stored_end < trailer_bytes) throw notAsWritten();
    const request = inner.getObject({
      bucket,
      key: info.key,
      ...pinned(info),
      range: { start: stored_end - trailer_bytes, end: stored_end - 1 },
      condition: { if_match: [info.etag] },
      ...(signal && { signal }),
    });
    const { body } = await unlessReplaced(request);
    return codec.openTrailer(await readAll(body));
  };

  const readObject = async (version: StoredVersion, mark: string): Promise<Content> => {
    const trailer = await readTrailer(version, version.info.size_bytes);
    const { reference, size_bytes } = trailer;
    if (codec.storedBytes({ kind: 'object', reference, size_bytes }) !== version.info.size_bytes) {
      throw notAsWritten();
    }
    if (!reference.equals(Buffer.from(mark, 'base64'))) throw notAsWritten();
    return contentOfObject(reference, trailer);
  };

  const readParts = async (version: StoredVersion): Promise<Content> => {
    const places = await placesOf(inner, version);
    const trailers = await Promise.all(
      places.map((place) => trailersAtOnce(() => readTrailer(version, place.stored_at + place.stored_bytes))),
    );
    const parts: DigestedPiece[] = [];
    let start = 0;
    for (const [index, { part_number, stored_at, stored_bytes }] of places.entries()) {
      const digests = trailers[index];
      if (digests === undefined) throw notAsWritten();
      const { reference, size_bytes } = digests;
      const form = { kind: 'part', reference, size_bytes } as const;
      if (codec.storedBytes(form) !== stored_bytes) throw notAsWritten();
      parts.push({ ...form, part_number, stored_at, start, digests });
      start += size_bytes;
    }
    const { checksum, system } = version.info;
    return contentOfParts(parts, declaredOf(system[names.mark], checksum, parts[0]?.digests.algorithm));
  };

  const find = async (version: StoredVersion): Promise<Known> => {
    const { bucket, info } = version;
    const mark = info.system[names.mark];
    if (mark === undefined) {
      if (codec.refuseUnmarked !== undefined) throw codec.refuseUnmarked();
      return null;
    }
    const at_hand = attached(bucket, info.key, info);
    if (at_hand !== undefined) return at_hand;
    // What is known may be of a time when the same bytes lay there without our mark.
    const known = cache.get(cacheKey(bucket, info.key, info.etag));
    if (known !== undefined && known !== UNCHANGED) return known;
    return isOfParts(mark) ? readParts(version) : readObject(version, mark);
  };

  return {
    async of(version) {
      const content = await find(version);
      remember(version.bucket, version.info.key, version.info.etag, content);
      return content;
    },
    remember,
    known(bucket, listed) {
      const at_hand = attached(bucket, listed.key, listed);
      if (at_hand !== undefined) return at_hand;
      const content = cache.get(cacheKey(bucket, listed.key, listed.etag));
      return content === UNCHANGED ? null : content;
    },
    wasUnchanged: (bucket, key) => unchanged_keys.has(contextOf(bucket, key)),
    sealDigests(bucket, key, { size_bytes, etag, sha256, checksum }) {
      const digests: SealedDigests = { size_bytes, etag, sha256, checksum };
      return sealing.seal(Buffer.from(JSON.stringify(digests)), contextOf(bucket, key)).toString('base64');
    },
  };
}

/** Where contents are not secret, whoever writes upstream may have written anything. */
function readDigests(bytes: Buffer): SealedDigests {
  let digests: Partial<SealedDigests> | null;
  try {
    digests = JSON.parse(bytes.toString()) as Partial<SealedDigests> | null;
  } catch {
    throw notAsWritten();
  }
  const { size_bytes, etag, sha256 = null, checksum = null } = digests ?? {};
  if (typeof size_bytes !== 'number' || !Number.isSafeInteger(size_bytes) || size_bytes < 0)
    throw notAsWritten();
  if (typeof etag !== 'string') throw notAsWritten();
  return { size_bytes, etag, sha256, checksum };
}

interface Place {
  readonly part_number: number;
  readonly stored_at: number;
  readonly stored_bytes: number;
}

async function placesOf(inner: Adapter, { bucket, info, signal }: StoredVersion): Promise<Place[]> {
  const places: Place[] = [];
  let stored_at = 0;
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
    for (const { part_number, size_bytes: stored_bytes } of page.parts) {
      places.push({ part_number, stored_at, stored_bytes });
      stored_at += stored_bytes;
    }
    after = page.next ?? undefined;
  } while (after !== undefined);
  if (stored_at !== info.size_bytes) throw notAsWritten();
  return places;
}
