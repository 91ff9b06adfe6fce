import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBucket } from './buckets.js';
import type { LocalContext } from './context.js';
import { deleteObject } from './delete-object.js';
import { listObjects } from './list-objects.js';
import { openContext } from './open-context.js';
import { putObject } from './put-object.js';

let folder: string;
let context: LocalContext;
let steps: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'list-objects-'));
  context = await openContext({ name: 'disk', path: folder });
  await createBucket(context, { bucket: 'b', owner: 'me' });
  steps = 0;
  countSteps(context.tables.objects);
  countSteps(context.tables.versions);
});

afterEach(async () => {
  await context.tables.env.close();
  await context.blobs.close();
  await rm(folder, { recursive: true });
});

/** Each entry that a cursor gives is a step; time would say as much, but not reliably. */
function countSteps(table: LocalContext['tables']['objects']): void {
  for (const name of ['getRange', 'getKeys'] as const) {
    const read = table[name].bind(table) as (options: object) => Iterable<unknown>;
    const counted = (options: object) => ({
      *[Symbol.iterator]() {
        for (const entry of read(options)) {
          steps += 1;
          yield entry;
        }
      },
    });
    Object.defineProperty(table, name, { value: counted });
  }
}

async function fill(keys: readonly string[]): Promise<void> {
  const body = new Uint8Array(0);
  await Promise.all(keys.map((key) => putObject(context, { bucket: 'b', key, body, size_bytes: 0 })));
}

const many = (count: number, name: (n: number) => string) => Array.from({ length: count }, (_, n) => name(n));

test('with a delimiter the cost grows with the prefixes returned, not with the keys under them', async () => {
  for (const folder_name of ['a', 'b', 'c', 'd']) await fill(many(500, (n) => `${folder_name}/${n}`));
  steps = 0;
  const { entries, next } = listObjects(context, { bucket: 'b', delimiter: '/', limit: 1_000 });
  expect(entries).toHaveLength(4);
  expect(next).toBeNull();
  expect(steps).toBeLessThanOrEqual(2 * entries.length);
});

test('a page costs as much at the end of a bucket as at its beginning', async () => {
  await fill(many(2_000, (n) => String(n).padStart(5, '0')));
  steps = 0;
  listObjects(context, { bucket: 'b', after: '01900', limit: 20 });
  expect(steps).toBeLessThanOrEqual(21);
});

test('versions and delete markers cost a listing nothing', async () => {
  await context.writer.run((transaction) => {
    const bucket = context.buckets.write('b');
    context.buckets.set(transaction, 'b', { ...bucket, versioning: 'enabled' });
  });
  for (let round = 0; round < 20; round += 1) await fill(['key', 'other']);
  const gone = many(200, (n) => `gone ${n}`);
  await fill(gone);
  await Promise.all(gone.map((key) => deleteObject(context, { bucket: 'b', key })));
  steps = 0;
  expect(listObjects(context, { bucket: 'b', limit: 10 }).entries).toHaveLength(2);
  expect(steps).toBeLessThanOrEqual(3);
});
