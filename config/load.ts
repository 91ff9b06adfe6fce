/** File, environment and flags, in rising order, made into one validated Config. */
import { readFileSync } from 'node:fs';
import { type Environment, RESERVED_ENV, readEnvironment } from './env.js';
import { mountProblems } from './mount-checks.js';
import { describeProblems } from './problems.js';
import { type Config, configSchema } from './schema.js';
import { isTree, mergeTrees, type Path, type Tree } from './tree.js';

const DEFAULT_CONFIG_FILE = 'backup_node/config.json';

/** A configuration that cannot be used; `problems` are lines for a person. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export interface LoadInput {
  /** As given by --config; without it BACKUP_NODE_CONFIG, then the default file, which need not exist. */
  readonly file?: string;
  readonly env: Environment;
  /** Key path → the value and the flag that gave it. */
  readonly flags: readonly FlagValue[];
}

export interface FlagValue {
  readonly flag: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read or, where there is none, would be. */
  readonly file: string;
  readonly file_exists: boolean;
  /** The layers before defaults were added, file and flags only: what --force-config writes. */
  readonly written: Tree;
}

/** JSON.parse quotes the text around an error, which may be a secret: only the place is told. */
function jsonErrorPlace(error: unknown, text: string): string {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (position === undefined) return 'it ends too early or holds a character that does not belong there';
  const before = text.slice(0, Number(position)).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}

function readConfigFile(file: string, required: boolean): Tree | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !required) return undefined;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? String(error)})`;
    throw new ConfigError([`configuration file ${file}: ${reason}`]);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new ConfigError([`configuration file ${file}: not valid JSON (${jsonErrorPlace(error, text)})`]);
  }
  if (!isTree(parsed)) throw new ConfigError([`configuration file ${file}: expected one JSON object`]);
  return parsed;
}

function crossChecks(config: Config): string[] {
  const problems: string[] = [];
  const s3_port = config.s3.port ?? (config.port === 0 ? 0 : config.port + 1000);
  if (s3_port > 65_535) problems.push(`s3.port: port + 1000 is ${s3_port}; give s3.port (at most 65535)`);
  const ports = [
    ['port', config.port],
    ['s3.port', s3_port],
    ['monitoring.metrics_port', config.monitoring.metrics_port ?? 0],
  ] as const;
  for (const [index, [key, value]] of ports.entries()) {
    const twin = ports.slice(0, index).find(([, other]) => other === value && value !== 0);
    if (twin) problems.push(`${key}: ${value} is taken by ${twin[0]}; give another port`);
  }
  if ((config.tls.certificate_file === null) !== (config.tls.key_file === null)) {
    problems.push('tls: certificate_file and key_file belong together; give both or neither');
  }
  for (const [index, mount] of config.mounts.entries()) {
    const names = Object.keys(config.adapters).length === 0 ? ['disk'] : Object.keys(config.adapters);
    if (!names.includes(mount.adapter)) {
      problems.push(
        `mounts[${index}].adapter: there is no adapter "${mount.adapter}"; known: ${names.join(', ')}`,
      );
    }
  }
  return [...problems, ...mountProblems(config), ...userChecks(config)];
}

function userChecks(config: Config): string[] {
  const problems: string[] = [];
  for (const [index, user] of config.users.entries()) {
    const earlier = config.users.slice(0, index);
    if ((user.access_key === undefined) !== (user.secret_key === undefined)) {
      problems.push(`users[${index}]: access_key and secret_key belong together; give both or neither`);
    }
    if (user.name === 'root' || user.name === 'anonymous')
      problems.push(`users[${index}].name: "${user.name}" is reserved`);
    if (earlier.some((other) => other.name === user.name))
      problems.push(`users[${index}].name: "${user.name}" is there twice`);
    if (user.id !== undefined && earlier.some((other) => other.id === user.id)) {
      problems.push(`users[${index}].id: "${user.id}" is there twice`);
    }
    if (user.access_key !== undefined && earlier.some((other) => other.access_key === user.access_key)) {
      problems.push(`users[${index}].access_key: "${user.access_key}" is there twice`);
    }
  }
  return problems;
}

/** Throws ConfigError with one line for each problem. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const named = input.file ?? input.env[RESERVED_ENV.config_file];
  const file = named ?? DEFAULT_CONFIG_FILE;
  const from_file = readConfigFile(file, named !== undefined);
  const from_env = readEnvironment(input.env);
  const flags = mergeTrees(...input.flags.map(({ path, value }) => pathToTree(path, value)));
  const merged = mergeTrees(from_file ?? {}, from_env.tree, flags);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) {
    const origin = (path: Path) => originOf(path, input.flags, from_env.origins, file);
    throw new ConfigError(describeProblems(parsed.error.issues, merged, origin));
  }
  const problems = crossChecks(parsed.data);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: parsed.data,
    file,
    file_exists: from_file !== undefined,
    written: mergeTrees(from_file ?? {}, flags),
  };
}

function pathToTree(path: readonly string[], value: unknown): Tree {
  return path.reduceRight<unknown>((below, step) => ({ [step]: below }), value) as Tree;
}

function originOf(
  path: Path,
  flags: readonly FlagValue[],
  env: ReadonlyMap<string, string>,
  file: string,
): string {
  const dotted = path.join('.');
  const flag = flags.find((one) => one.path.join('.') === dotted);
  if (flag) return `from ${flag.flag}`;
  for (let length = path.length; length > 0; length--) {
    const variable = env.get(path.slice(0, length).join('.'));
    if (variable) return `from ${variable}`;
  }
  const below = [...env].find(([key]) => key.startsWith(`${dotted}.`));
  return below ? `from ${below[1]}` : `in ${file}`;
}

/** The S3 port that was asked for; 0 takes a free one. */
export function s3PortOf(config: Config): number {
  return config.s3.port ?? (config.port === 0 ? 0 : config.port + 1000);
}
