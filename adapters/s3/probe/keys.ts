import { LIMITS } from '../../../config/limits.js';
import { children } from '../../../src/wire/xml.js';
import { nameReader } from '../listing.js';
import { documentOf, ensure, headerOf } from './calls.js';
import { expectContent, get, type Probing, put } from './probing.js';
import { PROBED_STORAGE_CLASSES } from './promises.js';
import { batchRequest } from './scratch.js';

/** Which keys it holds exactly as they are. Dot segments stay below a first segment, so none can leave its bucket. */
export async function probeKeys(probing: Probing): Promise<void> {
  await probing.observe('keys.leading_slash', async () => {
    await holdsExactly(probing, '/leading', ['leading']);
    return true;
  });
  await probing.observe('keys.any_segments', async () => {
    await holdsExactly(probing, 'segments//empty', ['segments/empty']);
    await holdsExactly(probing, 'segments/./dot', ['segments/dot']);
    await holdsExactly(probing, 'segments/inner/../dots', ['segments/dots']);
    return true;
  });
  await probing.observe('keys.nested', async () => {
    await put(probing, probing.bucket, 'nested', 'outer');
    await put(probing, probing.bucket, 'nested/inner', 'inner');
    await expectContent(probing, probing.bucket, 'nested', 'outer');
    await expectContent(probing, probing.bucket, 'nested/inner', 'inner');
    const names = await keysUnder(probing, 'nested');
    ensure(
      names.join() === 'nested,nested/inner',
      'of two keys one of which is a folder of the other, one is listed',
    );
    return true;
  });
  await probing.observe('keys.folder_content', async () => {
    await holdsExactly(probing, 'folder-content/', []);
    return true;
  });
  await probing.observe('keys.any_characters', async () => {
    await holdsExactly(probing, 'characters-\u0001-\u001f-\ufffe', []);
    return true;
  });
  await probing.observe('keys.segment_bytes_max', () =>
    longest((length) => holdsLength(probing, 's'.repeat(length)), LIMITS.key_bytes_max),
  );
  await probing.observe('key_bytes_max', () =>
    longest((length) => holdsLength(probing, longKey(length)), LIMITS.key_bytes_max),
  );
}

async function keysUnder({ calls, bucket }: Probing, prefix: string): Promise<string[]> {
  const query = { 'list-type': 2, 'encoding-type': 'url', prefix };
  const listing = documentOf(await calls.must({ method: 'GET', bucket, query }), 'ListBucketResult');
  const read = nameReader(listing);
  return children(listing, 'Contents').map((entry) => read(entry, 'Key'));
}

/** It is read and listed under its own name, and under no other. */
async function holdsExactly(probing: Probing, key: string, others: readonly string[]): Promise<void> {
  const { bucket } = probing;
  await put(probing, bucket, key, key);
  await expectContent(probing, bucket, key, key);
  for (const other of others) await expectContent(probing, bucket, other, null);
  ensure((await keysUnder(probing, key)).includes(key), `${JSON.stringify(key)} is not listed so`);
}

async function holdsLength(probing: Probing, key: string): Promise<boolean> {
  const { bucket, calls } = probing;
  // Garage says of a key that is too long that it is busy, and of one a little shorter only when it is deleted.
  const { ok } = await calls.sendOnce({ method: 'PUT', bucket, key, body: Buffer.from('long') });
  if (!ok || (await get(probing, bucket, key)) !== 'long') return false;
  return (await calls.sendOnce({ method: 'DELETE', bucket, key })).ok;
}

const SEGMENT = `${'k'.repeat(99)}/`;

/** In segments that any file system takes. */
function longKey(length: number): string {
  const key = SEGMENT.repeat(Math.ceil(length / SEGMENT.length)).slice(0, length);
  return key.endsWith('/') ? `${key.slice(0, -1)}k` : key;
}

/** The greatest length up to `most` that is held, every shorter one being held too. */
async function longest(holds: (length: number) => Promise<boolean>, most: number): Promise<number> {
  if (await holds(most)) return most;
  let [held, refused] = [0, most];
  while (refused - held > 1) {
    const middle = Math.floor((held + refused) / 2);
    if (await holds(middle)) held = middle;
    else refused = middle;
  }
  return held;
}

/** Sizes of pages and batches, and the headers that are kept. */
export async function probeRequests(probing: Probing): Promise<void> {
  const { bucket, calls } = probing;
  await probing.observe('list_limit_max', async () => {
    const query = { 'list-type': 2, 'max-keys': LIMITS.list_keys_max };
    const listing = documentOf(await calls.must({ method: 'GET', bucket, query }), 'ListBucketResult');
    return Number(children(listing, 'MaxKeys')[0]?.text ?? 0);
  });
  await probing.observe('delete_batch_max', async () => {
    const objects = Array.from({ length: LIMITS.delete_batch_max }, (_, n) => ({ key: `absent-${n}` }));
    const answer = await calls.must(batchRequest(bucket, objects));
    return children(documentOf(answer, 'DeleteResult'), 'Deleted').length;
  });
  await probing.observe('habits.website_redirect', async () => {
    const name = 'x-amz-website-redirect-location';
    await put(probing, bucket, 'redirect', 'x', { [name]: '/elsewhere' });
    const head = await calls.must({ method: 'HEAD', bucket, key: 'redirect' });
    return headerOf(head, name) === '/elsewhere';
  });
  for (const storage_class of PROBED_STORAGE_CLASSES) {
    await probing.observe(`habits.storage_classes.${storage_class}`, async () => {
      const key = `class-${storage_class}`;
      await put(probing, bucket, key, 'x', { 'x-amz-storage-class': storage_class });
      const head = await calls.must({ method: 'HEAD', bucket, key });
      return (headerOf(head, 'x-amz-storage-class') ?? 'STANDARD') === storage_class;
    });
  }
}
