/** Bearer tokens of the shard API. Tokens are long and random, so a plain SHA-256 of them is enough at rest. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Config } from '../../config/schema.js';
import type { StateStore } from '../state/store.js';

export interface ShardTokens {
  /** Who the token was made for; undefined when it is none of ours. Constant time in what the token is. */
  verify(token: string): { readonly name: string } | undefined;
  count(): number;
}

/** What may be shown of a token. */
interface ShardTokenInfo {
  /** The first digits of its SHA-256. */
  readonly id: string;
  readonly name: string;
  /** Null for one of the configuration. */
  readonly created_at_ms: number | null;
}

export interface TokenBook extends ShardTokens {
  list(): ShardTokenInfo[];
  /** The token is never shown again. */
  create(name: string): Promise<{ readonly id: string; readonly name: string; readonly token: string }>;
  /** Works no longer from now on; durable when it resolves. Not for tokens of the configuration. */
  remove(id: string): Promise<void>;
}

interface TokenRecord {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly created_at_ms: number | null;
}

const TOKEN_PREFIX = 'bnt_';
const TOKEN_BYTES = 32;
const ID_DIGITS = 16;

function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** Compares texts of any length without telling where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hashToken(a), hashToken(b));
}

function fromConfig({ name, token, sha256 }: Config['shard_tokens'][number]): TokenRecord {
  const hash = token === undefined ? (sha256 ?? '').toLowerCase() : hashToken(token).toString('hex');
  return { name, sha256: hash, created_at_ms: null };
}

export interface OpenTokenBookInput {
  readonly state: StateStore;
  readonly configured: Config['shard_tokens'];
  readonly now_ms: () => number;
}

export function openTokenBook({ state, configured, now_ms }: OpenTokenBookInput): TokenBook {
  const table = state.table<TokenRecord>('shard_tokens');
  const tokens = new Map<string, { readonly record: TokenRecord; readonly hash: Buffer }>();
  const learn = (record: TokenRecord) =>
    void tokens.set(record.sha256, { record, hash: Buffer.from(record.sha256, 'hex') });
  for (const entry of configured) learn(fromConfig(entry));
  for (const { value } of table.range({ limit: Number.MAX_SAFE_INTEGER })) learn(value);
  const idOf = ({ sha256 }: TokenRecord) => sha256.slice(0, ID_DIGITS);
  return {
    verify: (token) => {
      const hash = hashToken(token);
      let found: { readonly name: string } | undefined;
      for (const entry of tokens.values()) {
        if (timingSafeEqual(entry.hash, hash)) found = { name: entry.record.name };
      }
      return found;
    },
    count: () => tokens.size,
    list: () =>
      [...tokens.values()].map(({ record }) => ({
        id: idOf(record),
        name: record.name,
        created_at_ms: record.created_at_ms,
      })),
    create: async (name) => {
      const token = TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
      const record = { name, sha256: hashToken(token).toString('hex'), created_at_ms: now_ms() };
      await table.put(record.sha256, record);
      learn(record);
      return { id: idOf(record), name, token };
    },
    remove: async (id) => {
      for (const [sha256, { record }] of tokens) {
        if (idOf(record) !== id) continue;
        tokens.delete(sha256);
        await table.delete(sha256);
      }
    },
  };
}
