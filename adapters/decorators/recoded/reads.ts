import { evaluateReadCondition, partExtent, resolveRange } from '../../conditions.js';
import {
  type Adapter,
  type Body,
  type GetObjectInput,
  type GetObjectResult,
  type HeadObjectResult,
  isStoreError,
  type ListObjectPartsResult,
  type ObjectInfo,
  type ResolvedRange,
  StoreError,
} from '../../contract/index.js';
import type { Codec } from './codec.js';
import { type Content, isOfParts, type Piece, shownInfo } from './content.js';
import type { Contents, Known } from './contents.js';
import { pinned } from './pinned.js';
import { readAll } from './read-all.js';
import { replaced, unlessReplaced, whileReplaced } from './replaced.js';

const NOTHING = new Uint8Array(0);

type ListPartsInput = GetObjectInput & { readonly after?: number; readonly limit: number };

export interface Reads {
  head(input: GetObjectInput): Promise<HeadObjectResult>;
  get(input: GetObjectInput): Promise<GetObjectResult>;
  listParts(input: ListPartsInput): Promise<ListObjectPartsResult>;
}

/** The upstream's view of a version, and ours; `content` null: they are the same. */
interface Seen {
  readonly stored: ObjectInfo;
  readonly content: Known;
  readonly info: ObjectInfo;
}

interface Opened extends Seen {
  readonly content: Content;
  readonly result: HeadObjectResult;
}

export function createReads(inner: Adapter, contents: Contents, codec: Codec): Reads {
  const { names } = codec;
  const isOurs = (info: ObjectInfo): boolean => info.system[names.mark] !== undefined;

  /** Fails where a condition does not hold. */
  const see = async (input: GetObjectInput, stored: ObjectInfo): Promise<Seen> => {
    const content = await contents.of({ bucket: input.bucket, info: stored, signal: input.signal });
    const info = shownInfo(names, stored, content);
    evaluateReadCondition(info, input.condition);
    return { stored, content, info };
  };

  const look = async (input: GetObjectInput): Promise<Seen> =>
    see(input, (await inner.headObject(addressOf(input))).info);

  const select = (input: GetObjectInput, seen: Seen, content: Content): Opened => ({
    ...seen,
    content,
    result: { info: seen.info, ...selected(content, input) },
  });

  const head = (input: GetObjectInput): Promise<HeadObjectResult> =>
    whileReplaced(async () => {
      const seen = await look(input);
      const { content, info, stored } = seen;
      if (content !== null) return select(input, seen, content).result;
      if (input.part_number === undefined) {
        return { info, range: input.range === undefined ? null : resolveRange(info.size_bytes, input.range) };
      }
      const { condition: _held, ...rest } = input;
      const result = await inner.headObject(rest);
      if (result.info.etag !== stored.etag) throw replaced();
      return result;
    });

  /** The plaintext of a range out of as many requests as it touches pieces; the first of them is under way already. */
  const bodyOf = async (input: GetObjectInput, { stored, content, result }: Opened): Promise<Body> => {
    if (result.range === 'empty') return NOTHING;
    const range = result.range ?? { start: 0, end: content.size_bytes - 1 };
    const pieces = content.pieces.filter(
      ({ start, size_bytes }) => size_bytes > 0 && start <= range.end && start + size_bytes > range.start,
    );
    const fetchStored = async (piece: Piece, { start, end }: ResolvedRange): Promise<Body> => {
      const request = inner.getObject({
        ...addressOf(input),
        ...pinned(stored),
        range: { start: piece.stored_at + start, end: piece.stored_at + end },
        condition: { if_match: [stored.etag] },
      });
      return (await unlessReplaced(request)).body;
    };
    const fetchPiece = async (piece: Piece): Promise<Body> => {
      const wanted = {
        start: Math.max(0, range.start - piece.start),
        end: Math.min(piece.size_bytes - 1, range.end - piece.start),
      };
      const { stored: place, open } = await codec.locate(piece, wanted, async (elsewhere) =>
        readAll(await fetchStored(piece, elsewhere)),
      );
      return open(await fetchStored(piece, place));
    };
    const [first, ...others] = pieces;
    if (first === undefined) return NOTHING;
    const begun = await fetchPiece(first);
    if (others.length === 0) return begun;
    return (async function* () {
      yield* chunksOf(begun);
      for (const piece of others) yield* chunksOf(await fetchPiece(piece));
    })();
  };

  /** One request for an object of one piece, or of none of ours, that is read from its beginning to its end. */
  const getWhole = async (input: GetObjectInput): Promise<GetObjectResult> => {
    const { info: stored, body } = await inner.getObject(addressOf(input));
    const seen = await see(input, stored);
    const { content } = seen;
    if (content === null) return { info: stored, range: null, body };
    const opened = select(input, seen, content);
    const [piece] = content.pieces;
    if (isOfParts(stored.system[names.mark]) || piece === undefined) {
      return { ...opened.result, body: await bodyOf(input, opened) };
    }
    if (piece.size_bytes === 0) return { ...opened.result, body: NOTHING };
    const whole = { start: 0, end: piece.size_bytes - 1 };
    const { open } = await codec.locate(piece, whole, async () => NOTHING);
    return { ...opened.result, body: await open(body) };
  };

  /** As the upstream answers, where its object is none of ours. Undefined: it has to be looked at. */
  const getUnchanged = async (input: GetObjectInput): Promise<GetObjectResult | undefined> => {
    try {
      const result = await inner.getObject(input);
      return isOurs(result.info) ? undefined : result;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      const { info } = error.detail as { readonly info?: ObjectInfo };
      if (info !== undefined && !isOurs(info)) throw error;
      // Of an object of ours, the upstream holds conditions and ranges against the wrong ETag and size.
      if (['not_modified', 'precondition_failed', 'range_not_satisfiable'].includes(error.kind))
        return undefined;
      throw error;
    }
  };

  const getPart = async (input: GetObjectInput): Promise<GetObjectResult> => {
    const seen = await look(input);
    if (seen.content !== null) {
      const opened = select(input, seen, seen.content);
      return { ...opened.result, body: await bodyOf(input, opened) };
    }
    const { condition: _held, ...rest } = input;
    const result = await inner.getObject(rest);
    if (result.info.etag !== seen.stored.etag) throw replaced();
    return result;
  };

  const get = (input: GetObjectInput): Promise<GetObjectResult> =>
    whileReplaced(async () => {
      const is_whole = input.range === undefined && input.part_number === undefined;
      const simple = is_whole && input.condition === undefined;
      if (!simple && contents.wasUnchanged(input.bucket, input.key)) {
        const result = await getUnchanged(input);
        if (result !== undefined) return result;
      }
      return is_whole ? getWhole(input) : getPart(input);
    });

  const listParts = async ({
    after = 0,
    limit,
    ...input
  }: ListPartsInput): Promise<ListObjectPartsResult> => {
    const { content, info } = await whileReplaced(() => look(input));
    if (content === null) return inner.listObjectParts({ ...input, after, limit });
    if (content.parts_count === null) return { info, parts: [], next: null };
    const rest = content.pieces.filter(({ part_number }) => part_number > after);
    const parts = rest
      .slice(0, limit)
      .map(({ part_number, size_bytes, checksum }) => ({ part_number, size_bytes, checksum }));
    return { info, parts, next: rest.length > limit ? (parts.at(-1)?.part_number ?? null) : null };
  };

  return { head, get, listParts };
}

async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

function addressOf({ bucket, key, version_id, signal }: GetObjectInput) {
  return { bucket, key, ...(version_id !== undefined && { version_id }), ...(signal && { signal }) };
}

function selected(content: Content, input: GetObjectInput): Omit<HeadObjectResult, 'info'> {
  const { size_bytes, parts_count, pieces } = content;
  if (input.range !== undefined) return { range: resolveRange(size_bytes, input.range) };
  if (input.part_number === undefined) return { range: null };
  const piece = pieces.find(({ part_number }) => part_number === input.part_number);
  if (piece === undefined) {
    throw new StoreError('range_not_satisfiable', 'the object has no such part', {
      subject: 'part',
      detail: { size_bytes },
    });
  }
  if (parts_count === null) return { range: null };
  const range = partExtent(piece.start, piece.size_bytes);
  return { range, ...(piece.checksum && { part_checksum: piece.checksum }) };
}
