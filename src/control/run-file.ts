/** `<storage-path>/run.json`: how commands on the same machine find and address the running node. */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readTextFile, writePrivateFile } from '../access/private-file.js';

export interface RunFile {
  readonly pid: number;
  readonly node_id: string;
  readonly api_url: string;
  readonly s3_url: string;
  /** Bearer token of the control API; new at each start. */
  readonly control_token: string;
  /** SHA-256 of the certificate that the node shows, as X509Certificate.fingerprint256 writes it; null without TLS. */
  readonly certificate_fingerprint: string | null;
  readonly started_at_ms: number;
}

function runFilePath(storage_path: string): string {
  return join(storage_path, 'run.json');
}

export function writeRunFile(storage_path: string, run: RunFile): void {
  writePrivateFile(runFilePath(storage_path), `${JSON.stringify(run, null, 2)}\n`);
}

/** Undefined when there is none, or none that can be read. */
export function readRunFile(storage_path: string): RunFile | undefined {
  const text = readTextFile(runFilePath(storage_path));
  if (text === undefined) return undefined;
  try {
    const run = JSON.parse(text) as RunFile;
    return typeof run.pid === 'number' && typeof run.api_url === 'string' ? run : undefined;
  } catch {
    return undefined;
  }
}

export function removeRunFile(storage_path: string): void {
  if (readRunFile(storage_path)?.pid !== process.pid) return;
  unlinkSync(runFilePath(storage_path));
}

/** A process that has ended, but whose parent has not asked for its exit code, is not alive (proc(5), stat, state Z). */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  const stat = readTextFile(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

export function processAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
}
