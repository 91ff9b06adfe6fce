/** `BACKUP_NODE_` + the path of a key in capitals, joined by `__`: the environment as one layer of configuration. */
import { typesAt } from './json-schema-walk.js';
import { configJsonSchema, type JsonSchema } from './schema.js';
import { setIn, type Tree } from './tree.js';

const ENV_PREFIX = 'BACKUP_NODE_';

/** Read where they are needed; not keys of the configuration. */
export const RESERVED_ENV = {
  root_access_key: 'BACKUP_NODE_ROOT_ACCESS_KEY',
  root_secret_key: 'BACKUP_NODE_ROOT_SECRET_KEY',
  master_key: 'BACKUP_NODE_MASTER_KEY',
  config_file: 'BACKUP_NODE_CONFIG',
  /** Shows the stack of an unexpected error of a command. */
  debug: 'BACKUP_NODE_DEBUG',
  /** Set by start --detach for the process in the background. */
  detached: 'BACKUP_NODE_DETACHED',
} as const;

/**
 * Kubernetes puts such variables into every container beside a Service named `backup-node` (Kubernetes documentation,
 * "Accessing the Service: Environment Variables"). They are not ours.
 */
const SERVICE_LINK = /^BACKUP_NODE_(?:SERVICE_(?:HOST|PORT(?:_.*)?)|PORT_\d+_(?:TCP|UDP|SCTP)(?:_.*)?)$/;
const SERVICE_LINK_VALUE = /^(?:tcp|udp|sctp):\/\//;

export interface EnvLayer {
  readonly tree: Tree;
  /** Key path (joined by dots) → name of the variable it came from. */
  readonly origins: ReadonlyMap<string, string>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Text that does not fit the type stays text: validation then refuses it with its key and what would be right. */
function parseAs(types: ReadonlySet<string>, text: string): unknown {
  const trimmed = text.trim();
  if (types.has('null') && (trimmed === '' || trimmed === 'null')) return null;
  if (types.has('boolean')) {
    if (/^(?:true|1|yes|on)$/i.test(trimmed)) return true;
    if (/^(?:false|0|no|off)$/i.test(trimmed)) return false;
  }
  if (
    (types.has('number') || types.has('integer')) &&
    /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed)
  ) {
    return Number(trimmed);
  }
  if ((types.has('array') || types.has('object')) && /^[[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return text;
    }
  }
  return text;
}

export function readEnvironment(env: Environment): EnvLayer {
  const reserved = new Set<string>(Object.values(RESERVED_ENV));
  const names = Object.keys(env)
    .filter((name) => name.startsWith(ENV_PREFIX) && !reserved.has(name) && !SERVICE_LINK.test(name))
    .sort();
  const tree: Tree = {};
  const origins = new Map<string, string>();
  let schema: JsonSchema | undefined;
  for (const name of names) {
    const text = env[name];
    if (text === undefined || SERVICE_LINK_VALUE.test(text)) continue;
    schema ??= configJsonSchema();
    const path = name
      .slice(ENV_PREFIX.length)
      .split('__')
      .map((step) => step.toLowerCase());
    setIn(tree, path, parseAs(typesAt(schema, path), text));
    origins.set(path.join('.'), name);
  }
  return { tree, origins };
}
