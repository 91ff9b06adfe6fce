import type { ObjectAttributes, ObjectInfo } from '../../adapters/contract/index.js';
import type { StoreRequest } from './store-request.js';

/** How a shard's own fields lie in its object's system attributes. */
const SOURCE_NODE = 'shard_source_node';
const METADATA = 'shard_metadata';
const ORIGINAL_HASH = 'shard_original_hash';
const REDUNDANCY_LEVEL = 'shard_redundancy_level';

export interface ShardFields {
  readonly source_node: string | null;
  /** JSON text. */
  readonly metadata: string | null;
  /** Hex SHA-256; null for an object whose digest nobody promised (a multipart upload through S3). */
  readonly sha256: string | null;
  readonly redundancy_level: number;
}

const HEADERS = { content_type: 'application/octet-stream' };

export function toAttributes(request: StoreRequest, owner: string): ObjectAttributes {
  const system: Record<string, string> = { [ORIGINAL_HASH]: request.sha256 };
  if (request.source_node !== null) system[SOURCE_NODE] = request.source_node;
  if (request.metadata !== null) system[METADATA] = request.metadata;
  if (request.redundancy_level !== null) system[REDUNDANCY_LEVEL] = String(request.redundancy_level);
  return { owner, system, headers: HEADERS };
}

/** An object that was put through S3 is a shard too: what it does not say has the API's defaults. */
export function toShardFields({ system, sha256 }: ObjectInfo): ShardFields {
  return {
    source_node: system[SOURCE_NODE] ?? null,
    metadata: system[METADATA] ?? null,
    sha256: system[ORIGINAL_HASH] ?? sha256,
    redundancy_level: Number(system[REDUNDANCY_LEVEL] ?? 1),
  };
}
