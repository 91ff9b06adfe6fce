/** A node in the background: the same program again, and a channel on which it says that it is ready. */
import { spawn } from 'node:child_process';
import { RESERVED_ENV } from '../../config/env.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { CliError, printLine } from './output.js';

/** What the node in the background sends to the command that started it. */
export type DetachMessage =
  | { readonly event: 'ready'; readonly text: string }
  | {
      readonly event: 'failed';
      readonly exit_code: ExitCode;
      readonly message: string;
      readonly lines: readonly string[];
    };

export function isDetachedChild(): boolean {
  return process.env[RESERVED_ENV.detached] === '1' && process.send !== undefined;
}

/** Sends once and lets go of the channel. */
export function tellParent(message: DetachMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return resolve();
    process.send(message, () => {
      if (process.connected) process.disconnect();
      resolve();
    });
  });
}

/** MiB. As `npm start` has it: newer releases of V8 let it grow to four times that, for nothing here. */
const SMALL_YOUNG_GENERATION = ['--max-semi-space-size=16'];

/** Returns when the node answers; throws what kept it from starting. */
export async function startDetached(argv: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [...SMALL_YOUNG_GENERATION, ...process.execArgv, ...argv.slice(1)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [RESERVED_ENV.detached]: '1' },
  });
  const message = await new Promise<DetachMessage>((resolve, reject) => {
    child.once('message', (received) => resolve(received as DetachMessage));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(
        new CliError(
          EXIT.failed,
          `the node ended with exit code ${code} before it was ready; the log has more`,
        ),
      ),
    );
  });
  child.removeAllListeners();
  if (child.connected) child.disconnect();
  child.unref();
  if (message.event === 'failed') throw new CliError(message.exit_code, message.message, message.lines);
  printLine(message.text);
}
