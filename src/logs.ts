/** The node's log: JSON lines in a file, readable lines on a terminal, no secret in either. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination, type Logger, multistream, pino, type StreamEntry, stdTimeFunctions } from 'pino';
import type { Config } from '../config/schema.js';
import { HIDDEN, hideSecrets } from '../config/secrets.js';

export interface Logs {
  readonly logger: Logger;
  /** After the file was moved away by a log rotation. */
  reopen(): void;
  /** Writes out what is buffered. */
  flush(): void;
}

export interface OpenLogsInput {
  readonly level: Config['monitoring']['log_level'];
  readonly file: string | null;
  /** Also readable lines on standard error. */
  readonly terminal: boolean;
}

const LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal' };
const CHILD_SECRETS = [
  'secret',
  'secret_key',
  'token',
  'control_token',
  'password',
  'authorization',
  'signature',
];
const FILE_MODE = 0o640;

function checkWritable(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    closeSync(openSync(file, 'a', FILE_MODE));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Error(`monitoring.log_file: ${file} cannot be written (${reason})`);
  }
}

async function terminalStream(level: string): Promise<StreamEntry> {
  const { default: pretty } = await import('pino-pretty');
  return {
    level: level as 'info',
    stream: pretty({
      destination: 2,
      sync: true,
      ignore: 'pid,hostname,node_id',
      translateTime: 'SYS:HH:MM:ss.l',
    }),
  };
}

export async function openLogs(input: OpenLogsInput): Promise<Logs> {
  const lower = input.level.toLowerCase();
  const level = LEVELS[lower] ?? lower;
  const streams: StreamEntry[] = [];
  if (input.file !== null) checkWritable(input.file);
  const file =
    input.file !== null
      ? destination({ dest: input.file, sync: true, append: true })
      : input.terminal
        ? undefined
        : destination({ dest: 2, sync: true });
  if (file) streams.push({ level: level as 'info', stream: file });
  if (input.terminal) streams.push(await terminalStream(level));
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      // The formatter below sees every line, but not what child loggers are bound to.
      redact: { paths: CHILD_SECRETS, censor: HIDDEN },
      formatters: {
        level: (label) => ({ level: label }),
        log: (entry) => hideSecrets(entry) as Record<string, unknown>,
      },
    },
    multistream(streams),
  );
  return {
    logger,
    reopen: () => {
      if (input.file !== null) file?.reopen();
    },
    flush: () => file?.flushSync(),
  };
}
