import { LIMITS } from '../../../config/limits.js';
import { createChecksum } from '../../../src/wire/checksums.js';
import { evaluateSourceCondition } from '../../conditions.js';
import {
  type Adapter,
  type Body,
  type ChecksumAlgorithm,
  type CopyObjectInput,
  type CopyObjectResult,
  isStoreError,
  type ObjectAttributes,
  type ObjectChecksum,
  type ObjectInfo,
  type PutObjectInput,
  type Tags,
  type WriteCondition,
} from '../../contract/index.js';
import { type Codec, DEFAULT_CHECKSUM, type Encoded, type Reference } from './codec.js';
import type { Conditions } from './conditions.js';
import { type Content, contentOfObject, isOfParts, shownInfo } from './content.js';
import type { Contents, Known } from './contents.js';
import { pinned } from './pinned.js';
import type { Reads } from './reads.js';
import { whileReplaced } from './replaced.js';

export interface Writes {
  put(input: PutObjectInput): Promise<ObjectInfo>;
  copy(input: CopyObjectInput): Promise<CopyObjectResult>;
}

export interface WriteParts {
  readonly inner: Adapter;
  readonly codec: Codec;
  readonly contents: Contents;
  readonly conditions: Conditions;
  readonly reads: Reads;
}

interface Source {
  readonly stored: ObjectInfo;
  readonly shown: ObjectInfo;
  readonly content: Known;
}

export function createWrites({ inner, codec, contents, conditions, reads }: WriteParts): Writes {
  const { names } = codec;

  const systemOf = (input: PutObjectInput, encoded: Encoded): ObjectInfo['system'] => ({
    ...input.attributes?.system,
    [names.mark]: markOf(encoded.reference),
    ...(encoded.digests_known &&
      hasRoom(input.attributes?.metadata) && {
        [names.digests]: contents.sealDigests(input.bucket, input.key, contentOf(encoded)),
      }),
  });

  const putEncoded = async (
    input: PutObjectInput,
    encoded: Encoded,
    condition: WriteCondition | undefined,
  ): Promise<ObjectInfo> => {
    const { expect: _kept, condition: _asked, attributes, ...address } = input;
    const stored = await inner.putObject({
      ...address,
      body: encoded.body,
      size_bytes: encoded.size_bytes,
      attributes: { ...attributes, system: systemOf(input, encoded) },
      ...(condition && { condition }),
    });
    const content = contentOf(encoded);
    contents.remember(input.bucket, input.key, stored.etag, content);
    return shownInfo(names, stored, content);
  };

  const put = async (input: PutObjectInput): Promise<ObjectInfo> => {
    const { expect, condition: asked, body, size_bytes, attributes, signal, ...address } = input;
    const condition = await conditions.forWrite(input, asked);
    const algorithm = expect?.checksum?.algorithm ?? inner.capabilities.default_checksum ?? DEFAULT_CHECKSUM;
    const { headers } = attributes ?? {};
    const plain = { kind: 'object', body, size_bytes, expect, algorithm, headers, signal } as const;
    const encoded = await codec.encode(plain);
    try {
      if (!('unchanged' in encoded)) return await putEncoded(input, encoded, condition);
      const stored = await inner.putObject({
        ...address,
        body: encoded.unchanged,
        size_bytes,
        ...(attributes && { attributes }),
        ...(expect && { expect }),
        ...(condition && { condition }),
        ...(signal && { signal }),
      });
      contents.remember(input.bucket, input.key, stored.etag, null);
      return stored;
    } finally {
      await encoded.release?.();
    }
  };

  const sourceOf = async (input: CopyObjectInput): Promise<Source> => {
    const { bucket, key, version_id } = input.source;
    const call = input.signal && { signal: input.signal };
    const { info } = await inner.headObject({
      bucket,
      key,
      ...(version_id !== undefined && { version_id }),
      ...call,
    });
    const content = await contents.of({ bucket, info, signal: input.signal });
    const shown = shownInfo(names, info, content);
    evaluateSourceCondition(shown, input.source.condition);
    return { stored: info, shown, content };
  };

  const withChecksum = async (
    input: CopyObjectInput,
    stored: ObjectInfo,
    content: Content,
  ): Promise<Content> => {
    const algorithm = input.checksum_algorithm;
    if (algorithm === undefined || content.checksum?.algorithm === algorithm) return content;
    const { bucket, key } = input.source;
    const { info, body } = await reads.get({
      bucket,
      key,
      ...pinned(stored),
      ...(input.signal && { signal: input.signal }),
    });
    const checksum = await checksumOfBody(algorithm, body);
    return info.etag === content.etag ? { ...content, checksum } : content;
  };

  /** The upstream copies what it holds; what is known of the plaintext comes along, and so does its reference. */
  const copyStored = async (
    input: CopyObjectInput,
    { stored, content: known }: Source,
  ): Promise<CopyObjectResult> => {
    const content = known && (await withChecksum(input, stored, known));
    const condition = await conditions.forWrite(input, input.condition);
    const { bucket, key, version_id } = input.source;
    const { checksum_algorithm, condition: _asked, attributes, ...rest } = input;
    const { metadata } = input.replace_attributes ? (attributes ?? {}) : stored;
    const system = content && {
      ...attributes?.system,
      [names.mark]: stored.system[names.mark] ?? '',
      ...((content !== known || hasRoom(metadata)) && {
        [names.digests]: contents.sealDigests(input.bucket, input.key, content),
      }),
    };
    const result = await inner.copyObject({
      ...rest,
      source: {
        bucket,
        key,
        ...(version_id !== undefined && { version_id }),
        condition: { if_match: [stored.etag] },
      },
      ...((attributes !== undefined || system !== null) && {
        attributes: { ...attributes, ...(system && { system }) },
      }),
      ...(content === null && checksum_algorithm !== undefined && { checksum_algorithm }),
      // Sizes in listings are computed by what the ETag tells: whether it is one piece, or so many parts.
      ...(codec.sizeOf !== undefined && { one_piece: true }),
      ...(condition && { condition }),
    });
    contents.remember(input.bucket, input.key, result.info.etag, content);
    return { ...result, info: shownInfo(names, result.info, content) };
  };

  /** Where the parts of an object end is lost in a copy, so it is encoded anew, in one piece. */
  const copyParts = async (input: CopyObjectInput, source: ObjectInfo): Promise<CopyObjectResult> => {
    const { bucket, key } = input.source;
    const call = input.signal && { signal: input.signal };
    // What the conditions on the source were held against, and no other.
    const condition = { if_match: [source.etag] };
    const { info, body } = await reads.get({ bucket, key, ...pinned(source), condition, ...call });
    const tags = input.replace_tags ? input.attributes?.tags : await tagsOf(inner, input, info);
    const algorithm = input.checksum_algorithm ?? info.checksum?.algorithm;
    const attributes: ObjectAttributes = {
      ...input.attributes,
      ...(!input.replace_attributes && { headers: info.headers, metadata: info.metadata }),
      ...(tags && { tags }),
    };
    const written = await put({
      ...call,
      bucket: input.bucket,
      key: input.key,
      body,
      size_bytes: info.size_bytes,
      attributes,
      ...(algorithm && { expect: { checksum: { algorithm } } }),
      ...(input.condition && { condition: input.condition }),
    });
    return { info: written, source_version_id: info.version_id };
  };

  return {
    put,
    async copy(input) {
      const ATTEMPTS_MAX = 4;
      for (let attempt = 1; ; attempt++) {
        const source = await whileReplaced(() => sourceOf(input));
        try {
          const is_of_parts = isOfParts(source.stored.system[names.mark]);
          return await (is_of_parts ? copyParts(input, source.shown) : copyStored(input, source));
        } catch (error) {
          // Either the source is another one by now, or the target's condition does not hold.
          const source_changed =
            isStoreError(error, 'precondition_failed') &&
            (await sourceOf(input)).stored.etag !== source.stored.etag;
          if (!source_changed || attempt === ATTEMPTS_MAX) throw error;
        }
      }
    },
  };
}

function markOf(reference: Reference): string {
  return reference.toString('base64');
}

function contentOf(encoded: Encoded): Content {
  return contentOfObject(encoded.reference, encoded.digests());
}

/** Digests lie with the object unless clients need the room: its trailer tells them too, which costs a request. */
function hasRoom(metadata: ObjectAttributes['metadata']): boolean {
  const texts = Object.entries(metadata ?? {}).flat();
  return (
    texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) <= LIMITS.recoded_digests_metadata_bytes_max
  );
}

async function tagsOf(inner: Adapter, input: CopyObjectInput, info: ObjectInfo): Promise<Tags | undefined> {
  if (info.tags_count === 0) return undefined;
  const { bucket, key } = input.source;
  return (await inner.getTags({ bucket, key, ...pinned(info) })).tags;
}

async function checksumOfBody(algorithm: ChecksumAlgorithm, body: Body): Promise<ObjectChecksum> {
  const hasher = createChecksum(algorithm);
  if (body instanceof Uint8Array) hasher.update(body);
  else for await (const chunk of body) hasher.update(chunk);
  return { algorithm, type: 'FULL_OBJECT', value: hasher.digest().toString('base64') };
}
