/** All identities, in memory and in the state store. */
import { createHash, randomBytes } from 'node:crypto';
import type { StateStore } from '../state/store.js';
import type { Identity } from './identity.js';

export interface IdentityBook {
  findById(id: string): Identity | undefined;
  findByName(name: string): Identity | undefined;
  /** To be called inside a transaction of the store; `learn` follows once that is durable. */
  write(identity: Identity): void;
  learn(identity: Identity): void;
}

export function openIdentityBook(state: StateStore): IdentityBook {
  const table = state.table<Identity>('identities');
  const by_id = new Map<string, Identity>();
  const by_name = new Map<string, Identity>();
  const learn = (identity: Identity) => {
    by_id.set(identity.id, identity);
    by_name.set(identity.name, identity);
  };
  for (const { value } of table.range({ limit: Number.MAX_SAFE_INTEGER })) learn(value);
  return {
    findById: (id) => by_id.get(id),
    findByName: (name) => by_name.get(name),
    write: (identity) => void table.put(identity.id, identity),
    learn,
  };
}

export interface IdentityDetails {
  readonly id?: string | undefined;
  readonly display_name?: string | undefined;
  readonly email?: string | undefined;
  readonly policies?: readonly string[];
}

/**
 * The same on every node that is given the same access key: nodes before one store have to agree on whose a bucket is.
 * An access key is no secret, and an id opens nothing.
 */
export function idOfAccessKey(access_key: string): string {
  return createHash('sha256').update(`canonical id of ${access_key}`).digest('hex');
}

/** Canonical ids are 64 hex digits, as S3's are. */
export function makeIdentity(name: string, details: IdentityDetails = {}, is_root = false): Identity {
  return {
    id: details.id ?? randomBytes(32).toString('hex'),
    name,
    display_name: details.display_name ?? name,
    email: details.email ?? null,
    is_root,
    policies: details.policies ?? [],
  };
}
