import { spawn } from 'node:child_process';
import { type FileHandle, link, open, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../contract/index.js';
import { codeOf, describeSelf, type Holder, readHolder, stateOf } from './lock-holder.js';

/**
 * One process per folder. The lock survives kill -9 and power cuts without anyone cleaning up, and a second process is
 * told who holds it.
 *
 * Where the system has the flock command, the kernel keeps the lock and lets go of it when the process ends, across
 * containers too. Node offers no flock(2), but a lock belongs to the open file, which a child inherits: the command
 * takes it on our file and exits, and we keep the file open. Elsewhere the file alone counts, and what it says of its
 * holder is looked up in the process table.
 */
export interface FolderLock {
  release(): Promise<void>;
}

const LOCK = 'node.lock';
const TAKEOVER = 'node.lock.takeover';

/** `flock`: name of the command. */
export async function lockFolder(folder: string, options: { flock?: string } = {}): Promise<FolderLock> {
  const own = await describeSelf();
  const path = join(folder, LOCK);
  return (await lockByKernel(path, own, options.flock ?? 'flock')) ?? lockByFile(folder, path, own);
}

/** Undefined where there is no flock command. */
async function lockByKernel(path: string, own: Holder, command: string): Promise<FolderLock | undefined> {
  for (;;) {
    const file = await open(path, 'a+', 0o600);
    const outcome = await flock(file, command);
    if (outcome === 'locked' && (await isStillAt(file, path))) {
      try {
        // Someone without the command may hold it by the file alone.
        await requireGone(path, ['alive']);
        await file.truncate();
        await file.write(textOf(own), 0);
      } catch (error) {
        await file.close();
        throw error;
      }
      return {
        async release() {
          await file.truncate();
          await file.close();
        },
      };
    }
    await file.close();
    if (outcome === 'missing') return undefined;
    if (outcome === 'held') throw heldBy(path, await readHolder(path));
  }
}

function flock(file: FileHandle, command: string): Promise<'locked' | 'held' | 'missing'> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    child.on('error', (error) => (codeOf(error) === 'ENOENT' ? resolve('missing') : reject(error)));
    child.on('exit', (code) => {
      if (code === 0) resolve('locked');
      else if (code === 1) resolve('held');
      else resolve('missing');
    });
  });
}

/** A lock on a file that was replaced in the meantime protects nothing. */
async function isStillAt(file: FileHandle, path: string): Promise<boolean> {
  const [own, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return own.ino === there?.ino && own.dev === there.dev;
}

async function lockByFile(folder: string, path: string, own: Holder): Promise<FolderLock> {
  const mine = join(folder, `${LOCK}.${process.pid}.${own.nonce}`);
  await writeFile(mine, textOf(own), { mode: 0o600, flag: 'wx' });
  try {
    if (!(await claim(mine, path))) await takeOver(folder, mine, path);
  } finally {
    await unlink(mine).catch(ignoreMissing);
  }
  return {
    async release() {
      if ((await readHolder(path))?.nonce === own.nonce) await unlink(path).catch(ignoreMissing);
    },
  };
}

/** link(2) makes the lock with its content in one step, and only when there is none. */
async function claim(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Two starters may find the same stale lock. Only the one who makes the takeover file may replace it, and looks again
 * once it has that: so nobody ever replaces a lock that was taken in the meantime.
 */
async function takeOver(folder: string, mine: string, path: string): Promise<void> {
  await requireGone(path, ['alive', 'unknown']);
  const takeover = join(folder, TAKEOVER);
  if (!(await claim(mine, takeover))) {
    await requireGone(takeover, ['alive', 'unknown']);
    throw refusal(`a process died while it took over ${path}: remove ${takeover} and start again`);
  }
  try {
    await requireGone(path, ['alive', 'unknown']);
    await rename(mine, path);
  } finally {
    await unlink(takeover);
  }
}

async function requireGone(path: string, refused: readonly ('alive' | 'unknown')[]): Promise<void> {
  const holder = await readHolder(path);
  if (holder === undefined) return;
  const state = await stateOf(holder);
  if (state !== 'gone' && refused.includes(state)) throw heldBy(path, holder);
}

function heldBy(path: string, holder: Holder | undefined): StoreError {
  if (holder === undefined) return refusal(`${path} is held by another process`);
  const { pid, host } = holder;
  return refusal(`${path} is held by process ${pid} on ${host}; remove it only if that process is gone`, {
    pid,
    host,
  });
}

function refusal(message: string, detail: Readonly<Record<string, unknown>> = {}): StoreError {
  return new StoreError('unavailable', message, { subject: 'adapter', detail: { ...detail, held: true } });
}

const textOf = (own: Holder): string => `${JSON.stringify(own)}\n`;

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
