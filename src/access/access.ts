/** Identities, their access keys and the shard tokens: durable in the state store, served from memory. */
import { randomBytes } from 'node:crypto';
import { LIMITS } from '../../config/limits.js';
import type { Config, UserConfig } from '../../config/schema.js';
import type { StateStore } from '../state/store.js';
import type { Credential, CredentialSource, Identity } from './identity.js';
import type { MasterKey } from './master-key.js';
import { generateKeyPair, type KeyPair } from './root-credentials.js';
import {
  generateToken,
  hashToken,
  makeShardTokens,
  type ShardTokenRecord,
  type ShardTokens,
} from './shard-tokens.js';

interface KeyRecord {
  readonly access_key: string;
  readonly identity_id: string;
  /** By the master key, with the access key as context. */
  readonly sealed_secret: string;
  readonly created_at_ms: number;
}

/** What may be shown of a key. */
export interface KeyInfo {
  readonly type: 'access_key' | 'shard_token';
  /** The access key, or the first digits of the token's SHA-256: what `revoke` takes. */
  readonly id: string;
  readonly name: string;
  /** Null for the root key and for what the configuration file gives. */
  readonly created_at_ms: number | null;
  /** Where it can be changed. */
  readonly origin: 'root' | 'configuration' | 'created';
}

/** A refusal for the person who asked; the message names no secret. */
export class AccessError extends Error {
  readonly reason: 'not_found' | 'exists' | 'not_allowed' | 'too_many';

  constructor(reason: AccessError['reason'], message: string) {
    super(message);
    this.name = 'AccessError';
    this.reason = reason;
  }
}

export interface Access {
  /** Owner of what belongs to the node itself. */
  readonly root: Identity;
  readonly credentials: CredentialSource;
  readonly shard_tokens: ShardTokens;
  listKeys(): KeyInfo[];
  /** For the user of that name, who is made when there is none. The secret is never shown again. */
  createKey(input: {
    readonly user: string;
  }): Promise<KeyPair & { readonly user: string; readonly user_created: boolean }>;
  createShardToken(input: {
    readonly name: string;
  }): Promise<{ readonly id: string; readonly name: string; readonly token: string }>;
  revokeKey(id: string): Promise<KeyInfo>;
}

export interface OpenAccessInput {
  readonly state: StateStore;
  readonly master_key: MasterKey;
  readonly root: KeyPair;
  readonly users: Config['users'];
  readonly shard_tokens: Config['shard_tokens'];
  readonly now_ms: () => number;
}

const TOKEN_ID_DIGITS = 16;
const ALL = { limit: Number.MAX_SAFE_INTEGER };

/** Whether secrets were sealed in this state before. */
export function hasSealedSecrets(state: StateStore): boolean {
  return state.table('access_keys').count() > 0;
}

export async function openAccess(input: OpenAccessInput): Promise<Access> {
  const { state, master_key, now_ms } = input;
  const identities = state.table<Identity>('identities');
  const keys = state.table<KeyRecord>('access_keys');
  const created_users = state.table<{ readonly id: string }>('configured_users');
  const token_records = state.table<ShardTokenRecord>('shard_tokens');

  const by_access_key = new Map<string, Credential>();
  const by_id = new Map<string, Identity>();
  const by_name = new Map<string, Identity>();
  const tokens = makeShardTokens(input.shard_tokens);

  const learnIdentity = (identity: Identity) => {
    by_id.set(identity.id, identity);
    by_name.set(identity.name, identity);
  };

  const newIdentity = (name: string, user: Partial<UserConfig>, is_root = false): Identity => ({
    id: user.id ?? randomBytes(32).toString('hex'),
    name,
    display_name: user.display_name ?? name,
    email: user.email ?? null,
    is_root,
    policies: user.policies ?? [],
  });

  /** Durable and in memory when it resolves; all or nothing. */
  const store = async (
    identity: Identity | undefined,
    owner: Identity,
    pair: KeyPair | undefined,
    mark?: string,
  ) => {
    if (pair && by_access_key.has(pair.access_key)) {
      throw new AccessError('exists', `access key ${pair.access_key} belongs to another user already`);
    }
    const sealed_secret = pair && master_key.seal(pair.secret_key, pair.access_key);
    await state.transaction(() => {
      if (identity) void identities.put(identity.id, identity);
      if (mark !== undefined) void created_users.put(mark, { id: owner.id });
      if (pair && sealed_secret !== undefined) {
        const { access_key } = pair;
        void keys.put(access_key, {
          access_key,
          identity_id: owner.id,
          sealed_secret,
          created_at_ms: now_ms(),
        });
      }
    });
    if (identity) learnIdentity(identity);
    if (pair) by_access_key.set(pair.access_key, { ...pair, identity: owner });
  };

  const loadState = () => {
    for (const { value } of identities.range(ALL)) learnIdentity(value);
    for (const { value } of keys.range(ALL)) {
      const identity = by_id.get(value.identity_id);
      if (identity === undefined) continue;
      by_access_key.set(value.access_key, { ...openKey(value, master_key), identity });
    }
    for (const { value } of token_records.range(ALL)) tokens.add(value);
  };

  const createConfiguredUser = async (user: UserConfig) => {
    if (created_users.get(user.name) !== undefined) return;
    const existing = by_name.get(user.name);
    const owner = existing ?? newIdentity(user.name, user);
    if (!existing && by_id.has(owner.id))
      throw new AccessError('exists', `users: id ${owner.id} belongs to another user already`);
    const { access_key, secret_key } = user;
    const pair =
      access_key !== undefined && secret_key !== undefined ? { access_key, secret_key } : undefined;
    await store(existing ? undefined : owner, owner, pair, user.name);
  };

  loadState();
  const root = by_name.get('root') ?? newIdentity('root', {}, true);
  if (!by_id.has(root.id)) await store(root, root, undefined);
  const holder = by_access_key.get(input.root.access_key);
  if (holder && !holder.identity.is_root) {
    throw new AccessError(
      'exists',
      `the root access key ${input.root.access_key} belongs to user ${holder.identity.name} already`,
    );
  }
  by_access_key.set(input.root.access_key, { ...input.root, identity: root });
  for (const user of input.users) await createConfiguredUser(user);

  const listKeys = (): KeyInfo[] => [
    { type: 'access_key', id: input.root.access_key, name: 'root', created_at_ms: null, origin: 'root' },
    ...keys
      .range(ALL)
      .filter(({ key }) => key !== input.root.access_key)
      .map(
        ({ key, value }): KeyInfo => ({
          type: 'access_key',
          id: key,
          name: by_id.get(value.identity_id)?.name ?? '',
          created_at_ms: value.created_at_ms,
          origin: 'created',
        }),
      ),
    ...input.shard_tokens.map(({ name, token, sha256 }): KeyInfo => {
      const hash = token === undefined ? (sha256 ?? '').toLowerCase() : hashToken(token).toString('hex');
      return {
        type: 'shard_token',
        id: hash.slice(0, TOKEN_ID_DIGITS),
        name,
        created_at_ms: null,
        origin: 'configuration',
      };
    }),
    ...token_records.range(ALL).map(
      ({ key, value }): KeyInfo => ({
        type: 'shard_token',
        id: key.slice(0, TOKEN_ID_DIGITS),
        name: value.name,
        created_at_ms: value.created_at_ms,
        origin: 'created',
      }),
    ),
  ];

  return {
    root,
    credentials: {
      findByAccessKey: (access_key) => by_access_key.get(access_key),
      findById: (id) => by_id.get(id),
    },
    shard_tokens: tokens,
    listKeys,
    createKey: async ({ user }) => {
      if (keys.count() >= LIMITS.access_keys_max)
        throw new AccessError('too_many', 'there are too many access keys; revoke some');
      const existing = by_name.get(user);
      const owner = existing ?? newIdentity(user, {});
      const pair = generateKeyPair();
      await store(existing ? undefined : owner, owner, pair);
      return { ...pair, user, user_created: existing === undefined };
    },
    createShardToken: async ({ name }) => {
      if (tokens.count() >= LIMITS.shard_tokens_max)
        throw new AccessError('too_many', 'there are too many shard tokens; revoke some');
      const token = generateToken();
      const sha256 = hashToken(token).toString('hex');
      const record = { name, sha256, created_at_ms: now_ms() };
      await token_records.put(sha256, record);
      tokens.add(record);
      return { id: sha256.slice(0, TOKEN_ID_DIGITS), name, token };
    },
    revokeKey: async (id) => {
      const info = listKeys().find((key) => key.id === id);
      if (info === undefined) throw new AccessError('not_found', `there is no key ${id}`);
      if (info.origin === 'root')
        throw new AccessError(
          'not_allowed',
          'the root key is changed in the environment or in credentials.json, then by a restart',
        );
      if (info.origin === 'configuration')
        throw new AccessError(
          'not_allowed',
          `${id} stands in the configuration file (shard_tokens); remove it there`,
        );
      if (info.type === 'access_key') {
        by_access_key.delete(id);
        await keys.delete(id);
      } else {
        const key = token_records.range(ALL).find((entry) => entry.key.startsWith(id))?.key ?? '';
        tokens.remove(key);
        await token_records.delete(key);
      }
      return info;
    },
  };
}

function openKey(record: KeyRecord, master_key: MasterKey): KeyPair {
  try {
    const secret_key = master_key.unseal(record.sealed_secret, record.access_key);
    return { access_key: record.access_key, secret_key };
  } catch {
    throw new Error(
      `the secret of access key ${record.access_key} cannot be opened: master.key (or BACKUP_NODE_MASTER_KEY) is not the one it was sealed with`,
    );
  }
}
