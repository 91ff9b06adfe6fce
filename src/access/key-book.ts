/** All access keys: sealed in the state store, open in memory, because every request is verified with its secret. */
import type { StateStore } from '../state/store.js';
import type { Credential, Identity } from './identity.js';
import type { IdentityBook } from './identity-book.js';
import type { MasterKey } from './master-key.js';
import type { KeyPair } from './root-credentials.js';

export interface KeyBook {
  find(access_key: string): Credential | undefined;
  /** Those in the state store, ascending. */
  list(): { readonly access_key: string; readonly name: string; readonly created_at_ms: number }[];
  count(): number;
  /** To be called inside a transaction of the store; `learn` follows once that is durable. */
  write(pair: KeyPair, owner: Identity): void;
  learn(pair: KeyPair, owner: Identity): void;
  /** Works no longer from now on; durable when it resolves. */
  remove(access_key: string): Promise<void>;
}

interface KeyRecord {
  readonly access_key: string;
  readonly identity_id: string;
  /** By the master key, with the access key as context. */
  readonly sealed_secret: string;
  readonly created_at_ms: number;
}

const TABLE = 'access_keys';
const ALL = { limit: Number.MAX_SAFE_INTEGER };

/** Whether secrets were sealed in this state before. */
export function hasSealedSecrets(state: StateStore): boolean {
  return state.table(TABLE).count() > 0;
}

function unseal({ access_key, sealed_secret }: KeyRecord, master_key: MasterKey): KeyPair {
  try {
    return { access_key, secret_key: master_key.unseal(sealed_secret, access_key) };
  } catch {
    throw new Error(
      `the secret of access key ${access_key} cannot be opened: master.key (or BACKUP_NODE_MASTER_KEY) is not the one it was sealed with`,
    );
  }
}

export interface OpenKeyBookInput {
  readonly state: StateStore;
  readonly identities: IdentityBook;
  readonly master_key: MasterKey;
  readonly now_ms: () => number;
}

export function openKeyBook({ state, identities, master_key, now_ms }: OpenKeyBookInput): KeyBook {
  const table = state.table<KeyRecord>(TABLE);
  const credentials = new Map<string, Credential>();
  const learn = (pair: KeyPair, identity: Identity) =>
    void credentials.set(pair.access_key, { ...pair, identity });
  for (const { value } of table.range(ALL)) {
    const owner = identities.findById(value.identity_id);
    if (owner === undefined)
      throw new Error(`access key ${value.access_key} belongs to an identity that is not there`);
    learn(unseal(value, master_key), owner);
  }
  return {
    find: (access_key) => credentials.get(access_key),
    list: () =>
      table.range(ALL).map(({ key, value }) => ({
        access_key: key,
        name: identities.findById(value.identity_id)?.name ?? '',
        created_at_ms: value.created_at_ms,
      })),
    count: () => table.count(),
    write: ({ access_key, secret_key }, owner) =>
      void table.put(access_key, {
        access_key,
        identity_id: owner.id,
        sealed_secret: master_key.seal(secret_key, access_key),
        created_at_ms: now_ms(),
      }),
    learn,
    remove: async (access_key) => {
      credentials.delete(access_key);
      await table.delete(access_key);
    },
  };
}
