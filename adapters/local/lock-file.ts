import { randomBytes } from 'node:crypto';
import { link, readFile, readlink, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '../contract/index.js';

/**
 * One process per folder. Node offers no flock, so the lock is a file that says which process holds it, and it is
 * stale once that process is gone: it survives kill -9 and power cuts without anyone cleaning up.
 */
export interface FolderLock {
  release(): Promise<void>;
}

/** Enough to tell a process from a later one with the same id. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Of this start of the machine; empty where the system does not say. */
  readonly boot_id: string;
  /** Pid namespace: in another container the same pid is another process. */
  readonly pid_namespace: string;
  /** Clock ticks since boot (proc(5), stat, field 22); empty where the system does not say. */
  readonly started: string;
  /** Tells two openings by one process apart. */
  readonly nonce: string;
}

const LOCK = 'node.lock';
const TAKEOVER = 'node.lock.takeover';

export async function lockFolder(folder: string): Promise<FolderLock> {
  const lock = join(folder, LOCK);
  const own = await describeSelf();
  const mine = join(folder, `${LOCK}.${process.pid}.${own.nonce}`);
  await writeFile(mine, `${JSON.stringify(own)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    if (!(await claim(mine, lock))) await takeOver(folder, mine, lock);
  } finally {
    await unlink(mine).catch(ignoreMissing);
  }
  return { release: () => release(lock, own) };
}

/** link(2) makes the lock with its content in one step, and only when there is none. */
async function claim(mine: string, lock: string): Promise<boolean> {
  try {
    await link(mine, lock);
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
async function takeOver(folder: string, mine: string, lock: string): Promise<void> {
  await requireStale(lock);
  const takeover = join(folder, TAKEOVER);
  if (!(await claim(mine, takeover))) {
    await requireStale(takeover);
    throw new StoreError(
      'unavailable',
      `another process died while it took over ${lock}: remove ${takeover} and start again`,
      { subject: 'adapter' },
    );
  }
  try {
    await requireStale(lock);
    await rename(mine, lock);
  } finally {
    await unlink(takeover);
  }
}

async function requireStale(path: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder === undefined || !(await isAlive(holder))) return;
  throw new StoreError('unavailable', `${path} is held by the process ${holder.pid} on ${holder.host}`, {
    subject: 'adapter',
    detail: { pid: holder.pid, host: holder.host },
  });
}

async function release(lock: string, own: Holder): Promise<void> {
  const holder = await readHolder(lock);
  if (holder?.nonce === own.nonce) await unlink(lock).catch(ignoreMissing);
}

/** Undefined when there is none, or when it says nothing: it is linked in whole, so an empty one is no one's. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isHolder(holder) ? holder : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && 'pid' in value && Number.isInteger(value.pid);
}

/**
 * A holder in another pid namespace cannot be looked up. On the same machine it is another container over the same
 * volume; its end is known only when the machine or this namespace's own view says so, hence the doubt counts for it.
 */
async function isAlive(holder: Holder): Promise<boolean> {
  const self = await describeSelf();
  if (holder.boot_id !== self.boot_id) return false;
  if (holder.pid_namespace !== self.pid_namespace) return false;
  if (holder.pid === process.pid) return holder.started === self.started;
  if (!processExists(holder.pid)) return false;
  return (await startOf(holder.pid)) === holder.started;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function describeSelf(): Promise<Holder> {
  const [boot_id, pid_namespace, started] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim(), unknownValue),
    readlink('/proc/self/ns/pid').catch(unknownValue),
    startOf(process.pid),
  ]);
  return {
    pid: process.pid,
    host: hostname(),
    boot_id,
    pid_namespace,
    started,
    nonce: randomBytes(8).toString('hex'),
  };
}

/** The command name in field 2 may hold spaces and brackets: fields are counted from its closing one. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

const unknownValue = (): string => '';

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
