import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockFolder } from './lock-file.js';
import { describeSelf, type Holder } from './lock-holder.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-file-'));
});

afterEach(() => rm(folder, { recursive: true }));

const write = (file: string, holder: Holder) => writeFile(join(folder, file), JSON.stringify(holder));

/** A process that was there and is gone. */
async function deadHolder(): Promise<Holder> {
  const script = join(folder, 'ends.mjs');
  await writeFile(script, '');
  const child = fork(script);
  await once(child, 'exit');
  await rm(script);
  return { ...(await describeSelf()), pid: child.pid ?? 0, started: '1' };
}

describe.each([
  ['with the flock command', {}],
  ['without the flock command', { flock: 'no-such-command-here' }],
])('%s', (_title, options) => {
  test('a second lock is refused, and names the process that holds it', async () => {
    const lock = await lockFolder(folder, options);
    await expect(lockFolder(folder, options)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(`process ${process.pid}`),
      detail: { pid: process.pid },
    });
    await lock.release();
    await (await lockFolder(folder, options)).release();
  });

  test('a lock whose process is gone is taken over', async () => {
    await write('node.lock', await deadHolder());
    const lock = await lockFolder(folder, options);
    expect(JSON.parse(await readFile(join(folder, 'node.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  test('a process with the same id that began at another time is another one', async () => {
    await write('node.lock', { ...(await describeSelf()), started: '1' });
    await (await lockFolder(folder, options)).release();
  });

  test('a lock from before the machine restarted is stale', async () => {
    await write('node.lock', { ...(await describeSelf()), boot_id: 'another' });
    await (await lockFolder(folder, options)).release();
  });

  test('of many starters that find a stale lock one gets it', async () => {
    for (let round = 0; round < 10; round += 1) {
      await write('node.lock', { ...(await describeSelf()), boot_id: 'another' });
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder, options)));
      const locks = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(locks).toHaveLength(1);
      for (const { value } of locks) await value.release();
    }
    expect((await readdir(folder)).filter((name) => name !== 'node.lock')).toEqual([]);
  });

  test('a lock file that says nothing is no lock', async () => {
    await writeFile(join(folder, 'node.lock'), '');
    await (await lockFolder(folder, options)).release();
  });
});

test('without the kernel, a holder in another container is believed to be alive', async () => {
  await write('node.lock', { ...(await describeSelf()), pid_namespace: 'pid:[1]' });
  await expect(lockFolder(folder, { flock: 'no-such-command-here' })).rejects.toMatchObject({
    kind: 'unavailable',
  });
});

test('with the kernel, a lock left by a killed container is free', async () => {
  await write('node.lock', { ...(await describeSelf()), pid_namespace: 'pid:[1]' });
  await (await lockFolder(folder)).release();
});

test('a lock that is held by its file alone is respected by one that asks the kernel', async () => {
  const lock = await lockFolder(folder, { flock: 'no-such-command-here' });
  await expect(lockFolder(folder)).rejects.toMatchObject({ kind: 'unavailable' });
  await lock.release();
});
