import type { ObjectAddress, ObjectInfo } from '../contract/index.js';
import { toInfo } from './attributes.js';
import type { S3Context } from './context.js';
import type { UpstreamRequest } from './upstream.js';
import { isLatest, missing } from './versions.js';

/** Everything about one version. Fails with not_found or delete_marker. */
export async function readInfo(context: S3Context, address: ObjectAddress): Promise<ObjectInfo> {
  const { key } = address;
  const [answer, is_latest] = await Promise.all([
    context.upstream.sendForText({ ...objectRequest('HEAD', address) }),
    isLatest(context, address),
  ]).catch(async (error: unknown) => {
    throw await missing(context, address, error);
  });
  return { ...toInfo(key, answer.headers, context.capabilities), is_latest };
}

/** Checksums are shown only where they are asked for. */
export function objectRequest(method: 'GET' | 'HEAD', address: ObjectAddress): UpstreamRequest {
  const { bucket, key, version_id, signal } = address;
  return {
    method,
    bucket,
    key,
    query: { versionId: version_id },
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
    signal,
  };
}
