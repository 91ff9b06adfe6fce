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
} from '../../contract/index.js';
import type { Conditions } from './conditions.js';
import { type Content, contentOfObject, DIGESTS, MARK, OF_PARTS, shownInfo } from './content.js';
import { type Contents, markOf } from './contents.js';
import type { Keys } from './keys.js';
import { pinned } from './pinned.js';
import type { Reads } from './reads.js';
import { whileReplaced } from './replaced.js';
import { seal } from './seal.js';

const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME';

export interface Writes {
  put(input: PutObjectInput): Promise<ObjectInfo>;
  copy(input: CopyObjectInput): Promise<CopyObjectResult>;
}

export interface WriteParts {
  readonly inner: Adapter;
  readonly keys: Keys;
  readonly contents: Contents;
  readonly conditions: Conditions;
  readonly reads: Reads;
}

export function createWrites({ inner, keys, contents, conditions, reads }: WriteParts): Writes {
  const put = async (input: PutObjectInput): Promise<ObjectInfo> => {
    const { expect, condition: asked, body, size_bytes, attributes = {}, ...address } = input;
    const condition = await conditions.forWrite(input, asked);
    const algorithm = expect?.checksum?.algorithm ?? DEFAULT_ALGORITHM;
    const sealed = seal(keys, { kind: 'object', body, size_bytes, expect, algorithm });
    const { bucket, key } = input;
    const at_hand =
      body instanceof Uint8Array
        ? {
            [DIGESTS]: contents.sealDigests(bucket, key, contentOfObject(sealed.reference, sealed.digests())),
          }
        : {};
    const system = { ...attributes.system, [MARK]: markOf(sealed.reference), ...at_hand };
    const stored = await inner.putObject({
      ...address,
      body: sealed.body,
      size_bytes: sealed.size_bytes,
      attributes: { ...attributes, system },
      ...(condition && { condition }),
    });
    const content = contentOfObject(sealed.reference, sealed.digests());
    contents.remember(bucket, key, stored.etag, content);
    return shownInfo(stored, content);
  };

  const sourceOf = async (input: CopyObjectInput) => {
    const { bucket, key, version_id } = input.source;
    const call = input.signal && { signal: input.signal };
    const { info } = await inner.headObject({
      bucket,
      key,
      ...(version_id !== undefined && { version_id }),
      ...call,
    });
    const content = await contents.of({ bucket, info, signal: input.signal });
    const shown = shownInfo(info, content);
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

  /** The upstream copies the ciphertext; its key comes along, named by the same reference. */
  const copySealed = async (
    input: CopyObjectInput,
    { stored, content: known }: { stored: ObjectInfo; content: Content },
  ): Promise<CopyObjectResult> => {
    const content = await withChecksum(input, stored, known);
    const condition = await conditions.forWrite(input, input.condition);
    const { bucket, key, version_id } = input.source;
    const { checksum_algorithm: _, condition: _asked, ...rest } = input;
    const result = await inner.copyObject({
      ...rest,
      source: {
        bucket,
        key,
        ...(version_id !== undefined && { version_id }),
        condition: { if_match: [stored.etag] },
      },
      attributes: {
        ...input.attributes,
        system: {
          ...input.attributes?.system,
          [MARK]: stored.system[MARK] ?? '',
          [DIGESTS]: contents.sealDigests(input.bucket, input.key, content),
        },
      },
      ...(condition && { condition }),
    });
    contents.remember(input.bucket, input.key, result.info.etag, content);
    return { ...result, info: shownInfo(result.info, content) };
  };

  /** Where the parts of an object end is lost in a copy, so it is encrypted anew, in one piece. */
  const copyParts = async (input: CopyObjectInput, source: ObjectInfo): Promise<CopyObjectResult> => {
    const { bucket, key } = input.source;
    const call = input.signal && { signal: input.signal };
    const { info, body } = await reads.get({ bucket, key, ...pinned(source), ...call });
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
        if (source.stored.system[MARK] === OF_PARTS) return copyParts(input, source.shown);
        try {
          return await copySealed(input, source);
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
