import { createHash, hash } from 'node:crypto';
import { type Body, isStoreError, type ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import { type ShardFields, toShardFields } from './attributes.js';
import type { ShardRouteDeps } from './deps.js';
import { shardNotFound } from './errors.js';

/** A shard whose bytes have been read in full and agree with their digest. */
export interface ReadShard {
  readonly info: ObjectInfo;
  readonly fields: ShardFields;
  /** Whole when small; a large one is read a second time, and checked again, as it is sent. */
  readonly body: Buffer | AsyncIterable<Uint8Array>;
}

type Deps = Pick<ShardRouteDeps, 'store' | 'verifications' | 'logger' | 'observe'>;

/** `startSignal` is asked only for reads that take long. Errors: 404, also for a shard that is corrupt, so that clients turn to their next node. */
export async function readShard(
  deps: Deps,
  shard_id: string,
  startSignal: () => AbortSignal,
): Promise<ReadShard> {
  const { store, verifications } = deps;
  try {
    const { info, body } = await store.getObject({ bucket: SHARD_BUCKET, key: shard_id });
    const fields = toShardFields(info);
    const small = info.size_bytes <= LIMITS.shard_whole_bytes_max && fields.sha256 !== null;
    const checked = small
      ? await readChecked(body, fields)
      : await verifyFirst(deps, info, body, fields, startSignal());
    verifications.record(SHARD_BUCKET, info, checked !== null);
    if (checked !== null) return { info, fields, body: checked };
    reportCorrupt(deps, shard_id);
    // The adapter must hear of it too: it sets aside what is corrupt.
    if (small) handToVerification(deps, shard_id, info.version_id);
  } catch (error) {
    if (!isStoreError(error, 'corrupt')) throw error;
    reportCorrupt(deps, shard_id);
    handToVerification(deps, shard_id);
  }
  throw shardNotFound();
}

async function readChecked(body: Body, { sha256 }: ShardFields): Promise<Buffer | null> {
  let bytes: Buffer;
  if (body instanceof Uint8Array) bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  else {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    bytes = Buffer.concat(chunks);
  }
  return hash('sha256', bytes, 'hex') === sha256 ? bytes : null;
}

async function verifyFirst(
  { store }: Deps,
  { key, version_id }: ObjectInfo,
  body: Body,
  { sha256 }: ShardFields,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | null> {
  const { intact } = await store.verifyObject({
    bucket: SHARD_BUCKET,
    key,
    version_id,
    signal,
  });
  return intact ? checkAgain(body, sha256) : null;
}

/** Ends with an error instead of the last chunk's end when the bytes are not those of the digest. */
async function* checkAgain(body: Body, sha256: string | null): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256');
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    digest.update(chunk);
    yield chunk;
  }
  if (sha256 !== null && digest.digest('hex') !== sha256) throw new Error('shard changed while it was sent');
}

function reportCorrupt({ logger, observe }: Deps, shard_id: string): void {
  logger.error(
    { event: 'shard_corrupt', shard_id },
    'A shard no longer matches its digest; answered as not found',
  );
  observe?.({ type: 'corrupt' });
}

function handToVerification({ store, logger }: Deps, key: string, version_id?: string): void {
  store.verifyObject({ bucket: SHARD_BUCKET, key, version_id }).catch((error: unknown) => {
    if (isStoreError(error, 'corrupt') || isStoreError(error, 'not_found')) return;
    logger.error(
      { event: 'verification_failed', shard_id: key, err: error },
      'A corrupt shard could not be verified',
    );
  });
}
