import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Adapter, Body } from '../contract/index.js';
import { openLocalAdapter } from './open-local-adapter.js';

let folder: string;
let adapter: Adapter;

const open = () => openLocalAdapter({ name: 'disk', path: folder });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-adapter-'));
  adapter = await open();
});

afterEach(async () => {
  await adapter.close();
  await rm(folder, { recursive: true });
});

async function read(body: Body): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

function put(key: string, text: string) {
  const body = Buffer.from(text);
  return adapter.putObject({ bucket: 'b', key, body, size_bytes: body.length });
}

test('what was acknowledged is there after a restart', async () => {
  await adapter.createBucket({ bucket: 'b', owner: 'me' });
  const large = 'x'.repeat(1_000_000);
  const put_small = await put('small', 'hello');
  await put('large', large);
  await put('empty', '');
  await adapter.close();
  adapter = await open();
  expect(await adapter.headObject({ bucket: 'b', key: 'small' })).toMatchObject({ info: put_small });
  expect(await read((await adapter.getObject({ bucket: 'b', key: 'small' })).body)).toBe('hello');
  expect(await read((await adapter.getObject({ bucket: 'b', key: 'large' })).body)).toBe(large);
  expect(await read((await adapter.getObject({ bucket: 'b', key: 'empty' })).body)).toBe('');
  expect(await adapter.usage({ bucket: 'b' })).toEqual({
    objects_count: 3,
    objects_bytes: 1_000_005,
    versions_count: 3,
    stored_bytes: 1_000_005,
  });
  const { entries } = await adapter.listObjects({ bucket: 'b', limit: 10 });
  expect(entries.map((entry) => (entry.type === 'item' ? entry.item.key : entry.prefix))).toEqual([
    'empty',
    'large',
    'small',
  ]);
});
