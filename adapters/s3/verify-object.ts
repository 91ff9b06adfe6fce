import { createHash } from 'node:crypto';
import { createChecksum } from '../../src/wire/checksums.js';
import { isStoreError, type ObjectAddress, type ObjectInfo, type VerifyResult } from '../contract/index.js';
import type { S3Context } from './context.js';
import { getObject, headObject } from './read-object.js';

/**
 * Reads all bytes and compares them with what the upstream says of them: the ETag where it is a digest, part by part
 * where there are parts, and a checksum of the whole. What is corrupt upstream only the upstream can refuse to serve.
 */
export async function verifyObject(context: S3Context, input: ObjectAddress): Promise<VerifyResult> {
  const { info } = await headObject(context, input);
  const { size_bytes } = info;
  try {
    const intact =
      info.parts_count === null
        ? await verifyWhole(context, input, info)
        : await verifyParts(context, input, info);
    return { intact, size_bytes };
  } catch (error) {
    if (isStoreError(error, 'corrupt')) return { intact: false, size_bytes };
    throw error;
  }
}

const MD5 = /^[0-9a-f]{32}$/;

async function verifyWhole(context: S3Context, input: ObjectAddress, info: ObjectInfo): Promise<boolean> {
  const md5 = createHash('md5');
  const checksum = info.checksum?.type === 'FULL_OBJECT' ? info.checksum : null;
  const hasher = checksum === null ? null : createChecksum(checksum.algorithm);
  for await (const chunk of bytesOf(context, input, info)) {
    md5.update(chunk);
    hasher?.update(chunk);
  }
  const digest_fits = !context.habits.md5_etags || !MD5.test(info.etag) || md5.digest('hex') === info.etag;
  return digest_fits && (hasher === null || hasher.digest().toString('base64') === checksum?.value);
}

async function verifyParts(context: S3Context, input: ObjectAddress, info: ObjectInfo): Promise<boolean> {
  const digests = createHash('md5');
  const count = info.parts_count ?? 0;
  for (let part_number = 1; part_number <= count; part_number++) {
    const md5 = createHash('md5');
    for await (const chunk of bytesOf(context, input, info, part_number)) md5.update(chunk);
    digests.update(md5.digest());
  }
  return !context.habits.md5_etags || `${digests.digest('hex')}-${count}` === info.etag;
}

/** Of the object that was looked at, not of one that took its place. */
async function* bytesOf(
  context: S3Context,
  input: ObjectAddress,
  info: ObjectInfo,
  part_number?: number,
): AsyncGenerator<Uint8Array> {
  const { body } = await getObject(context, {
    ...input,
    condition: { if_match: [info.etag] },
    ...(part_number === undefined ? {} : { part_number }),
  });
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
