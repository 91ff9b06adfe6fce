import { evaluateReadCondition, resolveRange } from '../../conditions.js';
import {
  type Adapter,
  type Body,
  type GetObjectInput,
  type GetObjectResult,
  type HeadObjectResult,
  type ListObjectPartsResult,
  type ObjectInfo,
  type ResolvedRange,
  StoreError,
} from '../../contract/index.js';
import { type Content, MARK, OF_PARTS, type Piece, shownInfo } from './content.js';
import type { Contents } from './contents.js';
import type { Keys } from './keys.js';
import { openFrames, openWhole, spanOf } from './open-frames.js';
import { pinned } from './pinned.js';
import { unlessReplaced, whileReplaced } from './replaced.js';

const NOTHING = new Uint8Array(0);

export interface Reads {
  head(input: GetObjectInput): Promise<HeadObjectResult>;
  get(input: GetObjectInput): Promise<GetObjectResult>;
  listParts(
    input: GetObjectInput & { readonly after?: number; readonly limit: number },
  ): Promise<ListObjectPartsResult>;
}

interface Opened {
  readonly stored: ObjectInfo;
  readonly content: Content;
  readonly result: HeadObjectResult;
}

export function createReads(inner: Adapter, contents: Contents, keys: Keys): Reads {
  const open = async (input: GetObjectInput, stored: ObjectInfo): Promise<Opened> => {
    const content = await contents.of({ bucket: input.bucket, info: stored, signal: input.signal });
    const info = shownInfo(stored, content);
    evaluateReadCondition(info, input.condition);
    return { stored, content, result: { info, ...selected(content, input) } };
  };

  const head = (input: GetObjectInput): Promise<Opened> =>
    whileReplaced(async () => {
      const { info } = await inner.headObject(addressOf(input));
      return open(input, info);
    });

  /** The plaintext of a range out of as many requests as it touches pieces; the first of them is under way already. */
  const bodyOf = async (input: GetObjectInput, { stored, content, result }: Opened): Promise<Body> => {
    const range = result.range ?? { start: 0, end: content.size_bytes - 1 };
    const pieces = content.pieces.filter(
      ({ start, size_bytes }) => size_bytes > 0 && start <= range.end && start + size_bytes > range.start,
    );
    const fetchPiece = async (piece: Piece) => {
      const span = spanOf(piece.kind, piece.size_bytes, {
        start: Math.max(0, range.start - piece.start),
        end: Math.min(piece.size_bytes - 1, range.end - piece.start),
      });
      const request = inner.getObject({
        ...addressOf(input),
        ...pinned(stored),
        range: { start: piece.stored_at + span.stored.start, end: piece.stored_at + span.stored.end },
        condition: { if_match: [stored.etag] },
      });
      const { body } = await unlessReplaced(request);
      return { piece, span, body };
    };
    const [first, ...others] = pieces;
    if (first === undefined) return NOTHING;
    const begun = await fetchPiece(first);
    return (async function* () {
      yield* openFrames(keys.keyOf(begun.piece.reference), begun.span, begun.body);
      for (const piece of others) {
        const next = await fetchPiece(piece);
        yield* openFrames(keys.keyOf(piece.reference), next.span, next.body);
      }
    })();
  };

  /** One request for an object of one piece that is read from its beginning to its end. */
  const getWhole = async (input: GetObjectInput): Promise<GetObjectResult> => {
    const { info, body } = await inner.getObject(addressOf(input));
    const opened = await open(input, info);
    const [piece] = opened.content.pieces;
    if (info.system[MARK] === OF_PARTS || piece === undefined) {
      return { ...opened.result, body: await bodyOf(input, opened) };
    }
    if (piece.size_bytes === 0) return { ...opened.result, body: NOTHING };
    const span = spanOf(piece.kind, piece.size_bytes, { start: 0, end: piece.size_bytes - 1 });
    const key = keys.keyOf(piece.reference);
    const plain = body instanceof Uint8Array ? openWhole(key, span, body) : openFrames(key, span, body);
    return { ...opened.result, body: plain };
  };

  return {
    head: async (input) => (await head(input)).result,
    get: (input) =>
      whileReplaced(async () => {
        if (input.range === undefined && input.part_number === undefined) return getWhole(input);
        const { info } = await inner.headObject(addressOf(input));
        const opened = await open(input, info);
        return { ...opened.result, body: await bodyOf(input, opened) };
      }),
    async listParts({ after = 0, limit, ...input }) {
      const { content, result } = await head(input);
      if (content.parts_count === null) return { info: result.info, parts: [], next: null };
      const rest = content.pieces.filter(({ part_number }) => part_number > after);
      const parts = rest
        .slice(0, limit)
        .map(({ part_number, size_bytes, checksum }) => ({ part_number, size_bytes, checksum }));
      return {
        info: result.info,
        parts,
        next: rest.length > limit ? (parts.at(-1)?.part_number ?? null) : null,
      };
    },
  };
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
  const range: ResolvedRange | null =
    piece.size_bytes === 0 ? null : { start: piece.start, end: piece.start + piece.size_bytes - 1 };
  return { range, ...(piece.checksum && { part_checksum: piece.checksum }) };
}
