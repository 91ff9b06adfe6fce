/** Bearer tokens of the shard API. Tokens are long and random, so a plain SHA-256 of them is enough at rest. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Config } from '../../config/schema.js';

export interface ShardTokens {
  /** Who the token was made for; undefined when it is none of ours. Constant time in what the token is. */
  verify(token: string): { readonly name: string } | undefined;
  count(): number;
}

export interface ShardTokenRecord {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly created_at_ms: number;
}

export const TOKEN_PREFIX = 'bnt_';
const TOKEN_BYTES = 32;

export function generateToken(): string {
  return TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** Compares texts of any length without telling where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hashToken(a), hashToken(b));
}

export interface MutableShardTokens extends ShardTokens {
  add(record: ShardTokenRecord): void;
  remove(sha256: string): void;
}

export function makeShardTokens(from_config: Config['shard_tokens']): MutableShardTokens {
  const tokens = new Map<string, { readonly name: string; readonly hash: Buffer }>();
  for (const { name, token, sha256 } of from_config) {
    const hash = token === undefined ? Buffer.from(sha256 ?? '', 'hex') : hashToken(token);
    tokens.set(hash.toString('hex'), { name, hash });
  }
  return {
    verify: (token) => {
      const hash = hashToken(token);
      let found: { name: string } | undefined;
      for (const entry of tokens.values()) {
        if (timingSafeEqual(entry.hash, hash)) found = { name: entry.name };
      }
      return found;
    },
    count: () => tokens.size,
    add: ({ name, sha256 }) => void tokens.set(sha256, { name, hash: Buffer.from(sha256, 'hex') }),
    remove: (sha256) => void tokens.delete(sha256),
  };
}
