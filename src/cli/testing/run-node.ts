/** Runs the built program as a user does, on folders that are removed afterwards. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = join(ROOT, 'dist', 'main.js');

interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface StartedNode {
  readonly pid: number;
  readonly api_url: string;
  readonly s3_url: string;
  readonly node_id: string;
  readonly process: ChildProcess;
  /** All of standard output so far. */
  stdout(): string;
  /** Resolves with the exit code. */
  ended(): Promise<number | null>;
}

export interface Workplace {
  /** Working directory of all commands: logs and relative paths land there. */
  readonly folder: string;
  readonly storage_path: string;
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<CommandResult>;
  /** A command that the test follows itself. */
  launch(args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  start(args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<StartedNode>;
  /** Ends what still runs and removes the folder. */
  clear(): Promise<void>;
}

/** `npm test` has built it already. */
export function ensureBuilt(): void {
  if (existsSync(MAIN)) return;
  const { status, stderr } = spawnSync('npm', ['run', 'build'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed: ${stderr}`);
}

/** Without what the developer's shell may set. */
function cleanEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('BACKUP_NODE_'));
  return { ...Object.fromEntries(inherited), ...env };
}

async function collect(child: ChildProcess): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export function makeWorkplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'backup-node-'));
  const storage_path = join(folder, 'storage');
  const children: ChildProcess[] = [];

  const launch = (args: readonly string[], env: NodeJS.ProcessEnv) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: cleanEnv(env) });
    children.push(child);
    return child;
  };

  return {
    folder,
    storage_path,
    launch: (args, env = {}) => launch([...args, '--storage-path', storage_path], env),
    run: (args, env = {}) => collect(launch([...args, '--storage-path', storage_path], env)),
    start: async (args = [], env = {}) => {
      const child = launch(
        ['start', '--port', '0', '--s3-port', '0', '--storage-path', storage_path, '--json', ...args],
        env,
      );
      const output = collect(child);
      let stdout = '';
      const ready = new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout }).on('line', (line) => {
          stdout += `${line}\n`;
          resolve(line);
        });
        void output.then(({ code, stderr }) =>
          reject(new Error(`ended with ${code} before it was ready: ${stderr}`)),
        );
      });
      const event = JSON.parse(await ready) as Pick<StartedNode, 'pid' | 'api_url' | 's3_url' | 'node_id'>;
      return { ...event, process: child, stdout: () => stdout, ended: async () => (await output).code };
    },
    clear: async () => {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'close');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
