import { sha256 } from '../crash/content.mjs';
import { getObject, listKeys } from '../crash/s3-calls.mjs';

const READS_AT_ONCE = 8;

/**
 * What differs between the bucket and what was acknowledged: nothing.
 * @param {import('../crash/s3-client.mjs').S3Client} s3
 * @param {string} bucket
 * @param {ReadonlyMap<string, import('../crash/content.mjs').Content>} objects
 * @returns {Promise<string[]>}
 */
export async function differences(s3, bucket, objects) {
  const listed = await listKeys(s3, bucket);
  const found = listed.filter((key) => !objects.has(key)).map((key) => `${key}: listed, but deleted`);
  const there = new Set(listed);
  for (const key of objects.keys()) if (!there.has(key)) found.push(`${key}: not listed`);
  const queue = [...objects];
  const lanes = Array.from({ length: READS_AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [key, content] = next;
      const body = await getObject(s3, { bucket, key });
      if (body === null) found.push(`${key}: not there`);
      else if (sha256(body) !== content.sha256) found.push(`${key}: other bytes`);
    }
  });
  await Promise.all(lanes);
  return found;
}
