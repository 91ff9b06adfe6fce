import type { Access, KeyInfo } from '../access/access.js';
import { AccessError } from '../access/access.js';
import { withOfflineStorage } from '../offline.js';
import { isLockedError } from '../storage.js';
import { findRunningNode } from './control-client.js';
import { EXIT } from './exit-codes.js';
import { CliError, formatTable, type JsonOption, printJson, printLine } from './output.js';
import { loadSettings, type SettingsOptions } from './settings.js';

type Options = SettingsOptions & JsonOption;
type KeyCalls = Pick<Access, 'createKey' | 'createShardToken' | 'revokeKey'> & {
  listKeys(): Promise<KeyInfo[]>;
};

/** Through the running node, else on the storage itself, under its lock. */
async function withKeys<R>(options: Options, work: (keys: KeyCalls) => Promise<R>): Promise<R> {
  const { config } = loadSettings(options);
  const node = findRunningNode(config.storage_path);
  if (node === undefined) {
    return withOfflineStorage(config, process.env, ({ access }) =>
      work({ ...access, listKeys: async () => access.listKeys() }),
    ).catch(refuse);
  }
  return work({
    listKeys: async () => ((await node.call('GET', '/api/v1/control/keys')) as { keys: KeyInfo[] }).keys,
    createKey: (input) => node.call('POST', '/api/v1/control/keys', input) as ReturnType<Access['createKey']>,
    createShardToken: (input) =>
      node.call('POST', '/api/v1/control/shard-tokens', input) as ReturnType<Access['createShardToken']>,
    revokeKey: (id) =>
      node.call('DELETE', `/api/v1/control/keys/${encodeURIComponent(id)}`) as ReturnType<
        Access['revokeKey']
      >,
  });
}

function refuse(error: unknown): never {
  if (error instanceof AccessError) throw new CliError(EXIT.refused, error.message);
  if (isLockedError(error)) throw new CliError(EXIT.locked, error.message);
  throw error;
}

export async function runKeysList(options: Options): Promise<void> {
  const keys = await withKeys(options, (calls) => calls.listKeys());
  if (options.json) return printJson({ keys });
  const rows = keys.map(({ type, id, name, origin, created_at_ms }) => [
    id,
    type === 'access_key' ? 'access key' : 'shard token',
    name,
    origin,
    created_at_ms === null ? '' : new Date(created_at_ms).toISOString(),
  ]);
  printLine(formatTable([['ID', 'TYPE', 'NAME', 'ORIGIN', 'CREATED'], ...rows]));
}

export interface KeysCreateOptions extends Options {
  readonly user?: string;
  /** True when the flag has no name. */
  readonly shardToken?: string | true;
}

export async function runKeysCreate(options: KeysCreateOptions): Promise<void> {
  if (options.shardToken !== undefined) {
    const name = options.shardToken === true ? 'client' : options.shardToken;
    const created = await withKeys(options, (calls) => calls.createShardToken({ name }));
    if (options.json) return printJson(created);
    printLine(`shard token ${created.id} for ${created.name}; it is not shown again:\n${created.token}`);
    return;
  }
  const user = options.user ?? 'root';
  const created = await withKeys(options, (calls) => calls.createKey({ user }));
  if (options.json) return printJson(created);
  printLine(
    [
      `access key for ${created.user_created ? 'new user ' : ''}${created.user}; its secret is not shown again:`,
      `export AWS_ACCESS_KEY_ID=${created.access_key}`,
      `export AWS_SECRET_ACCESS_KEY=${created.secret_key}`,
    ].join('\n'),
  );
}

export async function runKeysRevoke(id: string, options: Options): Promise<void> {
  const revoked = await withKeys(options, (calls) => calls.revokeKey(id));
  if (options.json) return printJson({ revoked });
  printLine(
    `${revoked.type === 'access_key' ? 'access key' : 'shard token'} ${revoked.id} of ${revoked.name} is revoked`,
  );
}
