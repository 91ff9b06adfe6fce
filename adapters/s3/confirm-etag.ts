import { LIMITS } from '../../config/limits.js';
import { type ObjectAddress, StoreError } from '../contract/index.js';
import { either } from './abortable.js';
import { type AnswerHeaders, bareEtag, text, toChecksum, versionOf } from './attributes.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import type { Outgoing } from './outgoing.js';
import { objectRequest } from './read-info.js';
import type { TextAnswer } from './upstream.js';

/**
 * The headers of the answer to a put, with an ETag that is the object's. The bytes of a stream are protected on their way
 * by a checksum, and MD5 beside it would take as long as all else that the node does with them; so over plain HTTP nothing
 * tells whether the answer's ETag arrived as it was sent. The upstream is asked once whether the object has that ETag
 * (If-Match is compared there, past whatever changes answers); over TLS there is no need.
 *
 * Where it has another one and the checksum that was sent, the object is ours and stands: the other ETag is returned,
 * because an error would make the client write again what is there. Where the checksum is another one too, another writer
 * was there since. Where the upstream does not say, the write was acknowledged all the same.
 */
export async function withConfirmedEtag(
  context: S3Context,
  { bucket, key, signal: given }: Pick<ObjectAddress, 'bucket' | 'key' | 'signal'>,
  { headers }: TextAnswer,
  { seen }: Outgoing,
): Promise<AnswerHeaders> {
  if (!context.upstream.is_plain || seen.md5 !== undefined) return headers;
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(), LIMITS.upstream_confirm_ms_max);
  const signal = either(given, impatience.signal);
  const version_id = versionOf(headers, context.capabilities);
  const address = { bucket, key, version_id: version_id === 'null' ? undefined : version_id, signal };
  const ask = async (if_match?: string) => {
    const request = objectRequest('HEAD', address, undefined, if_match);
    return (await context.upstream.sendForText(request)).headers;
  };
  const told = bareEtag(text(headers, 'etag') ?? '');
  try {
    if (await hasEtag(ask, told)) return headers;
    const found = await ask().catch(() => undefined);
    const stored = found === undefined ? null : toChecksum(found);
    if (found === undefined || stored === null || stored.algorithm !== seen.checksum?.algorithm)
      return headers;
    if (stored.value !== seen.checksum.value) return headers;
    const etag = bareEtag(text(found, 'etag') ?? '');
    if (etag !== told) return { ...headers, etag: `"${etag}"` };
    throw new StoreError('unavailable', 'the ETags of the upstream are changed on their way', {
      subject: 'adapter',
    });
  } finally {
    clearTimeout(timer);
  }
}

/** True also where the upstream does not say. */
async function hasEtag(ask: (if_match: string) => Promise<AnswerHeaders>, etag: string): Promise<boolean> {
  try {
    const found = await ask(`"${etag}"`);
    return bareEtag(text(found, 'etag') ?? '') === etag;
  } catch (error) {
    return toStoreError(error).kind !== 'precondition_failed';
  }
}
