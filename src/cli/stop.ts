import { setTimeout as wait } from 'node:timers/promises';
import { processAlive, readRunFile } from '../control/run-file.js';
import { requireRunningNode } from './control-client.js';
import { EXIT } from './exit-codes.js';
import { CliError, type JsonOption, printJson, printLine } from './output.js';
import { loadSettings, type SettingsOptions } from './settings.js';

const POLL_MS = 25;
/** Beyond the grace period: closing the storage. */
const CLOSE_MS_MAX = 15_000;
/** Between the last write and the end of the process. */
const EXIT_MS_MAX = 2_000;

async function waitUntil(done: () => boolean, limit_ms: number): Promise<boolean> {
  const deadline = performance.now() + limit_ms;
  while (!done()) {
    if (performance.now() > deadline) return false;
    await wait(POLL_MS);
  }
  return true;
}

/** Asks the node to drain and returns when it has ended. */
export async function runStop(options: SettingsOptions & JsonOption): Promise<void> {
  const { config } = loadSettings(options);
  const node = requireRunningNode(config.storage_path);
  const { pid } = node.run;
  const answer = (await node.call('POST', '/api/v1/control/stop')) as { grace_ms: number };
  const gone = () => !processAlive(pid) || readRunFile(config.storage_path)?.pid !== pid;
  if (!(await waitUntil(gone, answer.grace_ms + CLOSE_MS_MAX))) {
    throw new CliError(EXIT.failed, `process ${pid} has not ended yet; it is still draining`);
  }
  await waitUntil(() => !processAlive(pid), EXIT_MS_MAX);
  if (options.json) printJson({ stopped: true, pid });
  else printLine(`node ${node.run.node_id} (process ${pid}) has stopped`);
}
