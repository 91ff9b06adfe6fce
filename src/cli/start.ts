import type { Logger } from 'pino';
import { ConfigError, type LoadedConfig } from '../../config/load.js';
import { writePrivateFile } from '../access/private-file.js';
import { type RunningNode, startNode } from '../app.js';
import { ListenError } from '../http/door.js';
import { type Logs, openLogs } from '../logs.js';
import { isLockedError } from '../storage.js';
import { isDetachedChild, startDetached, tellParent } from './detach.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { CliError, printLine } from './output.js';
import { loadSettings, type StartOptions } from './settings.js';
import { firstSteps, readyEvent, readyLine } from './welcome.js';

/** A signal asks for an orderly end; a second one, or a fault, for an end at once. */
type Ending = { readonly reason: 'asked' } | { readonly reason: 'storage_failed'; readonly error: Error };

/** The message for a person, where the error is one that a person can mend. */
function explain(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ConfigError)
    return new CliError(EXIT.usage, 'the node cannot start with this configuration', error.problems);
  if (error instanceof ListenError) return new CliError(EXIT.cannot_listen, error.message);
  if (isLockedError(error))
    return new CliError(EXIT.locked, error.message, ['`backup-node stop` ends a node that uses this folder']);
  return new CliError(EXIT.failed, error instanceof Error ? error.message : String(error));
}

function writeConfigFile({ file, written }: LoadedConfig): void {
  writePrivateFile(file, `${JSON.stringify(written, null, 2)}\n`);
}

function openNodeLogs({ config }: LoadedConfig, dev_mode: boolean): Promise<Logs> {
  return openLogs({
    level: config.monitoring.log_level,
    file: config.monitoring.log_file,
    terminal: process.stderr.isTTY === true || dev_mode,
  });
}

function exitOnFault(logs: Logs): void {
  const end = (error: unknown, message: string) => {
    logs.logger.fatal({ err: error }, message);
    logs.flush();
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', (error) => end(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => end(error, 'unhandled rejection'));
}

/** Node's own warnings belong in the log, not between the lines of whoever started us. */
function logWarnings(logger: Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => logger.warn({ warning: name }, message));
}

function onSignals(logger: Logger, ask: () => void): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
      asked = true;
      logger.info({ signal }, 'draining');
      ask();
    });
  }
}

async function announce(node: RunningNode, options: StartOptions): Promise<void> {
  const text = options.json ? JSON.stringify(readyEvent(node)) : readyLine(node);
  const steps = !options.json && node.root.source === 'generated' ? firstSteps(node) : '';
  if (isDetachedChild())
    return tellParent({ event: 'ready', text: steps === '' ? text : `${text}\n${steps}` });
  printLine(text);
  if (steps !== '') process.stderr.write(steps);
}

async function serve(loaded: LoadedConfig, options: StartOptions, logs: Logs): Promise<ExitCode> {
  const { logger } = logs;
  let end: (ending: Ending) => void = () => {};
  const ending = new Promise<Ending>((resolve) => {
    end = resolve;
  });
  const ask = () => end({ reason: 'asked' });
  onSignals(logger, ask);
  logWarnings(logger);
  const node = await startNode({
    config: loaded.config,
    env: process.env,
    logger,
    stop: ask,
    on_fatal: (error) => end({ reason: 'storage_failed', error }),
  });
  process.on('SIGHUP', () => {
    logs.reopen();
    node.reload();
  });
  await announce(node, options);
  const how = await ending;
  if (how.reason === 'storage_failed') {
    logger.fatal({ err: how.error }, 'the storage failed; nothing more is served');
    logs.flush();
    process.exit(EXIT.storage_failed);
  }
  const { cut_requests } = await node.drain();
  logger.info({ cut_requests }, 'stopped');
  return EXIT.ok;
}

/** Runs until the node has ended. */
export async function runStart(options: StartOptions): Promise<void> {
  try {
    const loaded = loadSettings(options);
    if (options.detach && !isDetachedChild()) return await startDetached(process.argv);
    if (options.forceConfig) writeConfigFile(loaded);
    const logs = await openNodeLogs(loaded, options.devMode === true);
    exitOnFault(logs);
    try {
      await serve(loaded, options, logs);
    } catch (error) {
      logs.logger.fatal({ err: error }, 'cannot start');
      throw error;
    } finally {
      logs.flush();
    }
  } catch (error) {
    const explained = explain(error);
    const { exit_code, message, lines } = explained;
    if (isDetachedChild()) await tellParent({ event: 'failed', exit_code, message, lines });
    throw explained;
  }
}
