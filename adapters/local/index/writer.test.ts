import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreError } from '../../contract/index.js';
import { openUsageBook } from '../usage-book.js';
import { META, openTables, type Tables } from './tables.js';
import { createWriter, type Writer } from './writer.js';

let folder: string;
let tables: Tables;
let commits: number;
let fatal: unknown[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'index-writer-'));
  tables = openTables(folder);
  commits = 0;
  fatal = [];
});

afterEach(async () => {
  await tables.env.close();
  await rm(folder, { recursive: true });
});

/** With `commit` in the place of LMDB's. */
function open(commit: Tables['env']['transaction'] = tables.env.transaction.bind(tables.env)): Writer {
  const env = Object.create(tables.env) as Tables['env'];
  env.transaction = (work) => {
    commits += 1;
    return commit(work);
  };
  return createWriter({
    tables: { ...tables, env },
    usage: openUsageBook(tables),
    now: () => 1_000,
    sequence: tables.meta.get(META.sequence) ?? 0,
    on_fatal: (error) => fatal.push(error),
  });
}

const key = (name: string) => Buffer.from(name);
const write = (name: string) => () => void tables.garbage.put(key(name), key(name));
const stored = () => [...tables.garbage.getKeys()].map((each) => each.toString());

test('operations that wait together share a transaction', async () => {
  const writer = open();
  await Promise.all(Array.from({ length: 100 }, (_, n) => writer.run(write(`key ${n}`))));
  expect(stored()).toHaveLength(100);
  expect(commits).toBe(1);
});

test('more operations than one transaction takes are all done', async () => {
  const writer = open();
  await Promise.all(Array.from({ length: 1_300 }, (_, n) => writer.run(write(`key ${n}`))));
  expect(stored()).toHaveLength(1_300);
});

test('one that is refused does not disturb the others, which see what was done before them', async () => {
  const writer = open();
  const outcomes = await Promise.allSettled([
    writer.run(write('a')),
    writer.run(() => {
      throw new StoreError('precondition_failed', 'no');
    }),
    writer.run(() => tables.garbage.doesExist(key('a'))),
  ]);
  expect(outcomes).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { kind: 'precondition_failed' } },
    { status: 'fulfilled', value: true },
  ]);
  expect(fatal).toEqual([]);
});

test('sequences go on where they were', async () => {
  const sequences = (writer: Writer) =>
    Promise.all([1, 2].map(() => writer.run((transaction) => transaction.nextSequence())));
  expect(await sequences(open())).toEqual([1, 2]);
  expect(await sequences(open())).toEqual([3, 4]);
});

test('hooks run once the transaction is durable, before its callers are answered', async () => {
  const writer = open();
  const order: string[] = [];
  writer.onChange((sequence) => order.push(`change ${sequence}`));
  await writer
    .run((transaction) => {
      transaction.afterCommit(() => order.push('hook'));
      transaction.change({ sequence: transaction.nextSequence(), type: 'bucket_changed', bucket: 'b' });
    })
    .then(() => order.push('answer'));
  expect(order).toEqual(['hook', 'change 1', 'answer']);
});

test('a commit that fails is fatal: it is reported once, never tried again, and no more writes are taken', async () => {
  const broken = new Error('EIO');
  const writer = open(() => Promise.reject(broken));
  const outcomes = await Promise.allSettled([writer.run(write('a')), writer.run(write('b'))]);
  expect(outcomes).toMatchObject([
    { reason: { kind: 'unavailable', cause: broken } },
    { reason: { kind: 'unavailable', cause: broken } },
  ]);
  await expect(writer.run(write('c'))).rejects.toMatchObject({ kind: 'unavailable' });
  expect(fatal).toEqual([broken]);
  expect(commits).toBe(1);
  expect(stored()).toEqual([]);
});

test('an operation with a defect is fatal before its half of a change can be committed', async () => {
  const defect = new TypeError('a defect');
  let reported_inside = false;
  const writer = open((work) =>
    tables.env.transaction(() => {
      try {
        return work();
      } finally {
        reported_inside = fatal.length === 1;
      }
    }),
  );
  await expect(
    writer.run(() => {
      throw defect;
    }),
  ).rejects.toMatchObject({ kind: 'unavailable' });
  expect(fatal).toEqual([defect]);
  expect(reported_inside).toBe(true);
});

test('closing waits for what is under way and takes nothing more', async () => {
  const writer = open();
  const before = writer.run(write('a'));
  await writer.close();
  expect(stored()).toEqual(['a']);
  await before;
  await expect(writer.run(write('b'))).rejects.toMatchObject({ kind: 'unavailable' });
});
