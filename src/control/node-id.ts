/** The node's id: made once, then kept in `<storage-path>/node.json`. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readTextFile, writePrivateFile } from '../access/private-file.js';

interface NodeFile {
  readonly node_id: string;
  readonly format_version: number;
  readonly created_at_ms: number;
}

const FORMAT_VERSION = 1;
const ID_BYTES = 6;

function readNodeFile(file: string): NodeFile | undefined {
  const text = readTextFile(file);
  if (text === undefined) return undefined;
  let parsed: Partial<NodeFile>;
  try {
    parsed = JSON.parse(text) as Partial<NodeFile>;
  } catch {
    throw new Error(`${file} is not valid JSON; restore it, or remove it and give the old id as node_id`);
  }
  const { node_id, format_version, created_at_ms } = parsed;
  if (typeof node_id !== 'string' || node_id === '') throw new Error(`${file} has no node_id`);
  if (format_version !== FORMAT_VERSION) {
    throw new Error(
      `${file}: format_version ${format_version} is not known to this version, which knows ${FORMAT_VERSION}`,
    );
  }
  return { node_id, format_version, created_at_ms: created_at_ms ?? 0 };
}

export interface NodeIdentity {
  readonly node_id: string;
  /** The id before, where `configured` has just changed it. */
  readonly renamed_from?: string;
  /** True when this folder was never used before. */
  readonly first_start: boolean;
}

/** `configured` wins over the file and is kept there. */
export function openNodeId(storage_path: string, configured: string | null, now_ms: number): NodeIdentity {
  const file = join(storage_path, 'node.json');
  const kept = readNodeFile(file);
  if (kept && (configured === null || configured === kept.node_id)) {
    return { node_id: kept.node_id, first_start: false };
  }
  const node_id = configured ?? `backup-${randomBytes(ID_BYTES).toString('hex')}`;
  const content: NodeFile = {
    node_id,
    format_version: FORMAT_VERSION,
    created_at_ms: kept?.created_at_ms ?? now_ms,
  };
  writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`);
  return kept ? { node_id, renamed_from: kept.node_id, first_start: false } : { node_id, first_start: true };
}
