import type { Change } from '../../contract/index.js';
import * as bytes from './bytes.js';

/** A change as an operation reports it; its sequence is its cursor. */
export interface ChangeInput {
  readonly sequence: number;
  readonly type: Change['type'];
  readonly bucket: string;
  readonly key?: string;
  readonly version_id?: string;
  readonly etag?: string;
  readonly size_bytes?: number;
}

const TYPES: readonly Change['type'][] = [
  'put',
  'delete',
  'delete_marker',
  'metadata',
  'bucket_created',
  'bucket_deleted',
  'bucket_changed',
];

export function encodeChange(change: ChangeInput, at_ms: number): Buffer {
  bytes.begin();
  bytes.putUint8(TYPES.indexOf(change.type));
  bytes.putUint48(at_ms);
  bytes.putUint48(change.size_bytes ?? 0);
  bytes.putString(change.bucket);
  bytes.putString(change.key ?? '');
  bytes.putString(change.version_id ?? '');
  bytes.putString(change.etag ?? '');
  return bytes.finish();
}

export function decodeChange(sequence: number, source: Buffer): Change {
  bytes.openBytes(source);
  const type = TYPES[bytes.getUint8()] ?? 'put';
  const at_ms = bytes.getUint48();
  const size_bytes = bytes.getUint48();
  return {
    cursor: String(sequence),
    type,
    bucket: bytes.getString(),
    key: bytes.getString(),
    version_id: bytes.getString(),
    etag: bytes.getString(),
    size_bytes,
    at_ms,
  };
}
