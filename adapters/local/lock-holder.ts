import { randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Says which process holds a lock, well enough to tell it from a later one with the same id. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Of this start of the machine; empty where the system does not say. */
  readonly boot_id: string;
  /** In another container the same pid is another process; empty where the system does not say. */
  readonly pid_namespace: string;
  /** Clock ticks since boot (proc(5), stat, field 22); empty where the system does not say. */
  readonly started: string;
  /** Tells two openings by one process apart. */
  readonly nonce: string;
}

export async function describeSelf(): Promise<Holder> {
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

/** Undefined when the file is not there, or names nobody. */
export async function readHolder(path: string): Promise<Holder | undefined> {
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

/** `unknown`: it runs, or ran, in a container that cannot be looked into from here. */
export async function stateOf(holder: Holder): Promise<'alive' | 'gone' | 'unknown'> {
  const self = await describeSelf();
  if (holder.boot_id !== self.boot_id) return 'gone';
  if (holder.pid_namespace !== self.pid_namespace) return 'unknown';
  if (!processExists(holder.pid)) return 'gone';
  return (await startOf(holder.pid)) === holder.started ? 'alive' : 'gone';
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
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

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
