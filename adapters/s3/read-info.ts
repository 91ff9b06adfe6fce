import type { ObjectAddress, ObjectInfo } from '../contract/index.js';
import { toInfo } from './attributes.js';
import type { S3Context } from './context.js';
import type { UpstreamRequest } from './upstream.js';
import { isLatest, missing } from './versions.js';

/** Everything about one version. Fails with not_found or delete_marker. */
export async function readInfo(context: S3Context, address: ObjectAddress): Promise<ObjectInfo> {
  const { key } = address;
  const [answer, is_latest] = await Promise.all([
    context.upstream.sendForText(objectRequest('HEAD', address)),
    isLatest(context, address),
  ]).catch(async (error: unknown) => {
    throw await missing(context, address, error);
  });
  return { ...toInfo(key, answer.headers, context.capabilities), is_latest };
}

/** Checksums are shown only where they are asked for. */
export function objectRequest(
  method: 'GET' | 'HEAD',
  address: ObjectAddress,
  range?: string,
  if_match?: string,
): UpstreamRequest {
  const { bucket, key, version_id, signal } = address;
  return {
    method,
    bucket,
    key,
    query: version_id === undefined ? NO_QUERY : { versionId: version_id },
    headers: { 'x-amz-checksum-mode': 'ENABLED', range, 'if-match': if_match },
    signal,
  };
}

const NO_QUERY = {};
