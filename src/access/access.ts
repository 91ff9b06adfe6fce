/** Who may knock: identities, their access keys and the shard tokens, durable in the state store. */
import { LIMITS } from '../../config/limits.js';
import type { Config, UserConfig } from '../../config/schema.js';
import type { StateStore } from '../state/store.js';
import type { CredentialSource, Identity } from './identity.js';
import { type IdentityBook, idOfAccessKey, makeIdentity, openIdentityBook } from './identity-book.js';
import { type KeyBook, openKeyBook } from './key-book.js';
import type { MasterKey } from './master-key.js';
import { generateKeyPair, type KeyPair } from './root-credentials.js';
import { openTokenBook, type ShardTokens, type TokenBook } from './shard-tokens.js';

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

interface CreatedKey extends KeyPair {
  readonly user: string;
  readonly user_created: boolean;
}

export interface Access {
  /** Owner of what belongs to the node itself. */
  readonly root: Identity;
  readonly credentials: CredentialSource;
  readonly shard_tokens: ShardTokens;
  listKeys(): KeyInfo[];
  /** For the user of that name, who is made when there is none. The secret is never shown again. */
  createKey(input: { readonly user: string }): Promise<CreatedKey>;
  createShardToken(input: { readonly name: string }): ReturnType<TokenBook['create']>;
  /** At once. Errors: not_found, not_allowed. */
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

interface Books {
  readonly state: StateStore;
  readonly identities: IdentityBook;
  readonly keys: KeyBook;
  readonly tokens: TokenBook;
}

export async function openAccess(input: OpenAccessInput): Promise<Access> {
  const { state, now_ms, master_key } = input;
  const identities = openIdentityBook(state);
  const keys = openKeyBook({ state, identities, master_key, now_ms });
  const tokens = openTokenBook({ state, configured: input.shard_tokens, now_ms });
  const books: Books = { state, identities, keys, tokens };
  const root = await openRoot(books, input.root);
  for (const user of input.users) await createConfiguredUser(books, user);
  return makeAccess(books, root, input.root.access_key);
}

interface Addition {
  /** Where it is new. */
  readonly identity?: Identity;
  readonly key?: { readonly pair: KeyPair; readonly owner: Identity };
  /** Remembers that this user of the configuration was made. */
  readonly configured_user?: { readonly name: string; readonly id: string };
}

/** Durable and in memory when it resolves: all of it, or none. */
async function add({ state, identities, keys }: Books, addition: Addition): Promise<void> {
  const { identity, key, configured_user } = addition;
  if (key && keys.find(key.pair.access_key)) {
    throw new AccessError('exists', `access key ${key.pair.access_key} belongs to another user already`);
  }
  await state.transaction(() => {
    if (identity) identities.write(identity);
    if (key) keys.write(key.pair, key.owner);
    if (configured_user) void configuredUsers(state).put(configured_user.name, { id: configured_user.id });
  });
  if (identity) identities.learn(identity);
  if (key) keys.learn(key.pair, key.owner);
}

function configuredUsers(state: StateStore) {
  return state.table<{ readonly id: string }>('configured_users');
}

async function openRoot(books: Books, pair: KeyPair): Promise<Identity> {
  const kept = books.identities.findByName('root');
  const root = kept ?? makeIdentity('root', { id: idOfAccessKey(pair.access_key) }, true);
  if (!kept) await add(books, { identity: root });
  const holder = books.keys.find(pair.access_key);
  if (holder && !holder.identity.is_root) {
    const { name } = holder.identity;
    throw new AccessError('exists', `the root access key ${pair.access_key} belongs to user ${name} already`);
  }
  books.keys.learn(pair, root);
  return root;
}

/** Once for each name: what was changed or revoked since is not brought back by a restart. */
async function createConfiguredUser(books: Books, user: UserConfig): Promise<void> {
  const { identities, state } = books;
  if (configuredUsers(state).get(user.name) !== undefined) return;
  const existing = identities.findByName(user.name);
  const id = user.id ?? (user.access_key === undefined ? undefined : idOfAccessKey(user.access_key));
  const owner = existing ?? makeIdentity(user.name, { ...user, id });
  if (!existing && identities.findById(owner.id)) {
    throw new AccessError('exists', `users: id ${owner.id} belongs to another user already`);
  }
  const { access_key, secret_key } = user;
  const has_key = access_key !== undefined && secret_key !== undefined;
  await add(books, {
    ...(existing ? {} : { identity: owner }),
    ...(has_key ? { key: { pair: { access_key, secret_key }, owner } } : {}),
    configured_user: { name: user.name, id: owner.id },
  });
}

function listKeys({ keys, tokens }: Books, root_access_key: string): KeyInfo[] {
  const created = keys.list().filter(({ access_key }) => access_key !== root_access_key);
  return [
    { type: 'access_key', id: root_access_key, name: 'root', created_at_ms: null, origin: 'root' },
    ...created.map(
      ({ access_key, ...rest }): KeyInfo => ({
        type: 'access_key',
        id: access_key,
        ...rest,
        origin: 'created',
      }),
    ),
    ...tokens.list().map(
      (token): KeyInfo => ({
        type: 'shard_token',
        ...token,
        origin: token.created_at_ms === null ? 'configuration' : 'created',
      }),
    ),
  ];
}

function makeAccess(books: Books, root: Identity, root_access_key: string): Access {
  const { identities, keys, tokens } = books;
  return {
    root,
    credentials: { findByAccessKey: keys.find, findById: identities.findById },
    shard_tokens: tokens,
    listKeys: () => listKeys(books, root_access_key),
    createKey: async ({ user }) => {
      if (keys.count() >= LIMITS.access_keys_max) {
        throw new AccessError('too_many', 'there are too many access keys; revoke some');
      }
      const existing = identities.findByName(user);
      const owner = existing ?? makeIdentity(user);
      const pair = generateKeyPair();
      await add(books, { ...(existing ? {} : { identity: owner }), key: { pair, owner } });
      return { ...pair, user, user_created: existing === undefined };
    },
    createShardToken: async ({ name }) => {
      if (tokens.count() >= LIMITS.shard_tokens_max) {
        throw new AccessError('too_many', 'there are too many shard tokens; revoke some');
      }
      return tokens.create(name);
    },
    revokeKey: async (id) => {
      const info = listKeys(books, root_access_key).find((key) => key.id === id);
      if (info === undefined) throw new AccessError('not_found', `there is no key ${id}`);
      refuseForeign(info);
      await (info.type === 'access_key' ? keys : tokens).remove(id);
      return info;
    },
  };
}

function refuseForeign({ id, origin }: KeyInfo): void {
  if (origin === 'root') {
    throw new AccessError(
      'not_allowed',
      'the root key is changed in the environment or in credentials.json, then by a restart',
    );
  }
  if (origin === 'configuration') {
    throw new AccessError(
      'not_allowed',
      `${id} stands in the configuration file (shard_tokens); remove it there`,
    );
  }
}
