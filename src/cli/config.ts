import { configJsonSchema } from '../../config/schema.js';
import { hideSecrets } from '../../config/secrets.js';
import { type JsonOption, printLine } from './output.js';
import { loadSettings, type StartOptions } from './settings.js';

const INDENT = 2;

/** The effective configuration, defaults included, secrets hidden. */
export function runConfigShow(options: StartOptions & JsonOption): void {
  const { config } = loadSettings(options);
  printLine(JSON.stringify(hideSecrets(config), null, options.json ? undefined : INDENT));
}

/** The JSON Schema of the configuration file, for editors. */
export function runConfigSchema(options: JsonOption): void {
  printLine(JSON.stringify(configJsonSchema(), null, options.json ? undefined : INDENT));
}
