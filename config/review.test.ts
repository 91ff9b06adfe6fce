import { describe, expect, it } from 'vitest';
import { anonymousShardsAllowed, isLoopback, reviewConfig } from './review.js';
import { configSchema } from './schema.js';

const parse = (raw: unknown) => configSchema.parse(raw);
const refusals = (raw: unknown, has_tokens = false) =>
  reviewConfig(parse(raw), has_tokens).refusals.join('\n');
const warnings = (raw: unknown) => reviewConfig(parse(raw), false).warnings.join('\n');

describe('what this version cannot do', () => {
  it('is refused where going on would promise too much', () => {
    expect(refusals({ seeding: { rules: [{ name: 'offsite', targets: ['cloud'] }] } })).toContain(
      'seeding rules are not supported yet',
    );
    expect(refusals({ peers: [{ node_id: 'n', address: 'n.example.test', port: 8001 }] })).toContain(
      'peers are not supported yet',
    );
    expect(refusals({ s3: { signature_v2: true } })).toContain('s3.signature_v2');
    expect(refusals({ adapters: { disk: { type: 'local', path: '/srv' } } })).toBe('');
    expect(refusals({ adapters: { lan: { type: 'minio', endpoint: 'http://127.0.0.1:9000' } } })).toBe('');
  });

  it('is said aloud where the rest still works', () => {
    const deployed = {
      main_node_address: 'main.example.test',
      bandwidth_limit_mbps: 100,
      security: { encryption_enabled: true },
      network: { discovery_enabled: true },
      storage: { compression_enabled: true, encryption_at_rest: true, deduplication_enabled: false },
      users: [{ name: 'a', policies: ['readwrite'] }],
    };
    const text = warnings(deployed);
    for (const key of [
      'main_node_address',
      'bandwidth_limit_mbps',
      'network.discovery_enabled',
      'storage.deduplication_enabled',
      'users',
    ]) {
      expect(text).toContain(`${key}: `);
    }
    expect(refusals(deployed)).toBe('');
    expect(warnings({})).toBe('');
    for (const key of ['encryption_enabled', 'compression_enabled', 'encryption_at_rest']) {
      expect(text).not.toContain(key);
    }
  });
});

describe('an address that others can reach', () => {
  it('needs shard tokens, or a word that anyone may store', () => {
    expect(refusals({ host: '0.0.0.0' })).toContain(
      '0.0.0.0 is not a loopback address, and no shard token is there',
    );
    expect(refusals({ host: '0.0.0.0' }, true)).toBe('');
    expect(refusals({ host: '0.0.0.0', allow_anonymous_shards: true })).toBe('');
    expect(warnings({ host: '0.0.0.0', allow_anonymous_shards: true })).toContain(
      'anyone who reaches 0.0.0.0',
    );
    expect(refusals({ host: '::', security: { require_authentication: false } }, true)).toContain(
      'allow_anonymous_shards: true',
    );
  });

  it('is told from a loopback address', () => {
    for (const host of ['127.0.0.1', '127.8.9.1', 'localhost', '::1', '::ffff:127.0.0.1'])
      expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.example.test', 'node.example.test', '128.0.0.1']) {
      expect(isLoopback(host)).toBe(false);
    }
  });

  it('decides who may call without a token, unless that was said', () => {
    expect(anonymousShardsAllowed(parse({}))).toBe(true);
    expect(anonymousShardsAllowed(parse({ host: '0.0.0.0' }))).toBe(false);
    expect(anonymousShardsAllowed(parse({ host: '0.0.0.0', allow_anonymous_shards: true }))).toBe(true);
    expect(anonymousShardsAllowed(parse({ allow_anonymous_shards: false }))).toBe(false);
    expect(refusals({ allow_anonymous_shards: false })).toContain('no shard token is there');
  });
});
