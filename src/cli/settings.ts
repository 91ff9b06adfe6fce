/** From the options of a command to the effective configuration. */
import { ConfigError, type FlagValue, type LoadedConfig, loadConfig } from '../../config/load.js';
import { EXIT } from './exit-codes.js';
import { CliError } from './output.js';

/** Options as commander names them. */
export interface SettingsOptions {
  readonly config?: string;
  readonly storagePath?: string;
}

export interface StartOptions extends SettingsOptions {
  readonly port?: string;
  readonly s3Port?: string;
  readonly host?: string;
  readonly nodeId?: string;
  readonly maxStorage?: string;
  readonly mainAddress?: string;
  readonly mainPort?: string;
  readonly bandwidthLimit?: string;
  readonly devMode?: boolean;
  readonly forceConfig?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

interface FlagRule {
  readonly option: keyof StartOptions;
  readonly flag: string;
  readonly path: readonly string[];
  readonly numeric?: boolean;
}

const FLAGS: readonly FlagRule[] = [
  { option: 'port', flag: '--port', path: ['port'], numeric: true },
  { option: 's3Port', flag: '--s3-port', path: ['s3', 'port'], numeric: true },
  { option: 'host', flag: '--host', path: ['host'] },
  { option: 'storagePath', flag: '--storage-path', path: ['storage_path'] },
  { option: 'nodeId', flag: '--node-id', path: ['node_id'] },
  { option: 'maxStorage', flag: '--max-storage', path: ['max_storage_gb'], numeric: true },
  { option: 'mainAddress', flag: '--main-address', path: ['main_node_address'] },
  { option: 'mainPort', flag: '--main-port', path: ['main_node_port'], numeric: true },
  { option: 'bandwidthLimit', flag: '--bandwidth-limit', path: ['bandwidth_limit_mbps'], numeric: true },
];

/** What is no number stays text, so that the schema refuses it and shows it. */
function numberOrText(text: string): number | string {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function flagValues(options: StartOptions): FlagValue[] {
  const values: FlagValue[] = [];
  for (const { option, flag, path, numeric } of FLAGS) {
    const given = options[option];
    if (typeof given === 'string') values.push({ flag, path, value: numeric ? numberOrText(given) : given });
  }
  if (options.devMode) values.push({ flag: '--dev-mode', path: ['monitoring', 'log_level'], value: 'DEBUG' });
  return values;
}

/** Throws CliError with one line for each thing that is wrong. */
export function loadSettings(options: StartOptions): LoadedConfig {
  try {
    return loadConfig({
      ...(options.config === undefined ? {} : { file: options.config }),
      env: process.env,
      flags: flagValues(options),
    });
  } catch (error) {
    if (error instanceof ConfigError)
      throw new CliError(EXIT.usage, 'the configuration cannot be used', error.problems);
    throw error;
  }
}
