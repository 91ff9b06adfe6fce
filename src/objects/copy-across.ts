import { rangeBytes } from '../../adapters/conditions.js';
import {
  type Adapter,
  type ChecksumAlgorithm,
  type ChecksumRequest,
  type CopyObjectInput,
  type CopyObjectResult,
  type CopyPartInput,
  type ObjectAttributes,
  type ObjectChecksum,
  type ObjectInfo,
  type PartInfo,
  type Tags,
  unsupported,
} from '../../adapters/contract/index.js';

/** Copies between adapters: the bytes stream through the node, with the source's digest as the promise to the target. */
export interface Homes {
  readonly from: Adapter;
  readonly to: Adapter;
}

async function sourceTags(from: Adapter, input: CopyObjectInput, info: ObjectInfo): Promise<Tags> {
  if (info.tags_count === 0) return {};
  const { bucket, key } = input.source;
  return (await from.getTags({ bucket, key, version_id: info.version_id })).tags;
}

async function targetAttributes(
  from: Adapter,
  input: CopyObjectInput,
  info: ObjectInfo,
): Promise<ObjectAttributes> {
  const { headers, metadata, tags, ...rest } = input.attributes ?? {};
  const kept = input.replace_attributes
    ? { ...(headers && { headers }), ...(metadata && { metadata }) }
    : { headers: info.headers, metadata: info.metadata };
  const target_tags = input.replace_tags ? tags : await sourceTags(from, input, info);
  return { system: info.system, ...rest, ...kept, ...(target_tags && { tags: target_tags }) };
}

/** Asked for by the client, the copy has it; that of the source comes along where the target can keep it. */
function requireKept(to: Adapter, algorithm: ChecksumAlgorithm | undefined): void {
  if (algorithm === undefined || to.capabilities.checksums.includes(algorithm)) return;
  throw unsupported(to.name, `checksums.${algorithm}`);
}

function promiseOf(
  asked: ChecksumAlgorithm | undefined,
  known: ObjectChecksum | null,
): ChecksumRequest | undefined {
  const algorithm = asked ?? known?.algorithm;
  if (algorithm === undefined) return undefined;
  const same = known?.algorithm === algorithm && known.type === 'FULL_OBJECT';
  return same ? { algorithm, value: () => known.value } : { algorithm };
}

export async function copyObjectAcross(homes: Homes, input: CopyObjectInput): Promise<CopyObjectResult> {
  const { from, to } = homes;
  const { signal } = input;
  requireKept(to, input.checksum_algorithm);
  const { info, body } = await from.getObject({ ...input.source, signal });
  const checksum = promiseOf(input.checksum_algorithm, info.checksum);
  const written = await to.putObject({
    bucket: input.bucket,
    key: input.key,
    body,
    size_bytes: info.size_bytes,
    attributes: await targetAttributes(from, input, info),
    expect: {
      ...(info.sha256 !== null && { sha256: info.sha256 }),
      ...(checksum !== undefined && { checksum }),
    },
    ...(input.condition && { condition: input.condition }),
    signal,
  });
  return { info: written, source_version_id: info.version_id };
}

export async function copyPartAcross(
  homes: Homes,
  input: CopyPartInput,
): Promise<PartInfo & { readonly source_version_id: string }> {
  const { source, ...target } = input;
  const { info, range, body } = await homes.from.getObject({ ...source, signal: input.signal });
  const part = await homes.to.uploadPart({ ...target, body, size_bytes: rangeBytes(range, info) });
  return { ...part, source_version_id: info.version_id };
}
