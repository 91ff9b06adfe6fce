import type { ControlStatus } from '../control/status.js';
import { findRunningNode } from './control-client.js';
import { EXIT } from './exit-codes.js';
import { CliError, formatBytes, formatDuration, type JsonOption, printJson, printLine } from './output.js';
import { loadSettings, type SettingsOptions } from './settings.js';

export async function runStatus(options: SettingsOptions & JsonOption): Promise<void> {
  const { config } = loadSettings(options);
  const node = findRunningNode(config.storage_path);
  if (node === undefined) {
    if (options.json) printJson({ running: false, storage_path: config.storage_path });
    throw new CliError(EXIT.not_running, `no node is running on ${config.storage_path}`);
  }
  const status = (await node.call('GET', '/api/v1/control/status')) as ControlStatus;
  if (options.json) return printJson({ running: true, storage_path: config.storage_path, ...status });
  const { storage } = status;
  const used = ((100 * storage.used_bytes) / storage.max_bytes).toFixed(1);
  printLine(
    [
      `node      ${status.node_id} (version ${status.version}, process ${status.pid}), ${status.phase}`,
      `up        ${formatDuration(status.uptime_s)}`,
      `shard API ${status.api_url}`,
      `S3        ${status.s3_url}`,
      `storage   ${config.storage_path}: ${formatBytes(storage.used_bytes)} of ${formatBytes(storage.max_bytes)} used (${used} %)`,
      `objects   ${status.objects_count}`,
      `memory    ${formatBytes(status.memory_bytes)}`,
    ].join('\n'),
  );
}
