/** Which contents are encrypted and compressed at rest, and the key for it. */
import { isStoreError } from '../adapters/contract/index.js';
import type { LocalEntry } from '../adapters/open.js';
import type { Config } from '../config/schema.js';
import type { MasterKey } from './access/master-key.js';
import { SHARD_BUCKET } from './objects/shard-bucket.js';
import type { StateStore } from './state/store.js';

/** What every local adapter is opened with. */
export type Protection = Pick<LocalEntry, 'encryption' | 'protection'>;

const TABLE = 'data_key';

function encrypts({ storage, security }: Config): boolean {
  return storage.encryption_at_rest || security.encryption_enabled;
}

/** Content was to be encrypted at some time: a missing master key is then an error. */
export function wasEncrypting(state: StateStore): boolean {
  return state.table(TABLE).count() > 0;
}

/** For all local adapters of the node. The key is given in any case: what was encrypted before has to be read. */
export async function openProtection(
  config: Config,
  master_key: MasterKey,
  state: StateStore,
): Promise<Protection> {
  const { storage } = config;
  const encryption = { key: master_key.derive('data key') };
  if (encrypts(config) && !wasEncrypting(state)) await state.table<true>(TABLE).put('in_use', true);
  if (!encrypts(config) && !storage.compression_enabled) return { encryption };
  const bucketOf = (encrypt: boolean) => ({ encrypt, compress: storage.compression_enabled });
  const shards = bucketOf(encrypts(config));
  const others = bucketOf(storage.encryption_at_rest);
  return { encryption, protection: (bucket) => (bucket === SHARD_BUCKET ? shards : others) };
}

/** Says what a person can do about a wrong key. */
export function explainKeyError(error: unknown): unknown {
  if (!isStoreError(error, 'invalid') || error.detail.key_id === undefined) return error;
  return new Error(
    `${error.message}: put back the master.key (or BACKUP_NODE_MASTER_KEY) that was there when it was written`,
    { cause: error },
  );
}
