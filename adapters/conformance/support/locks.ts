import type { ObjectAttributes, Retention } from '../../contract/index.js';
import { type Harness, put } from './harness.js';

export interface Locked {
  readonly address: { readonly bucket: string; readonly key: string; readonly version_id: string };
}

export async function lockedObject(harness: Harness, attributes: ObjectAttributes): Promise<Locked> {
  const bucket = await harness.bucket({ object_lock: true });
  const { version_id } = await put(harness, bucket, 'key', 'content', { attributes });
  return { address: { bucket, key: 'key', version_id } };
}

export function retentionFor(mode: Retention['mode'], for_ms: number): Retention {
  // Whole seconds, because S3 carries retention dates as such.
  return { mode, until_ms: Math.ceil((Date.now() + for_ms) / 1_000) * 1_000 };
}
