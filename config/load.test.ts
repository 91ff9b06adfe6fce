import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, type FlagValue, loadConfig, s3PortOf } from './load.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function writeConfig(content: unknown): string {
  const file = join(folder, 'config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function load(content: unknown, env: Record<string, string> = {}, flags: FlagValue[] = []) {
  return loadConfig({ file: writeConfig(content), env, flags }).config;
}

function problemsOf(content: unknown, env: Record<string, string> = {}, flags: FlagValue[] = []): string[] {
  try {
    load(content, env, flags);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replaceAll(folder, ''));
    throw error;
  }
  return [];
}

describe('the defaults', () => {
  it('are those that existing installations rely on', () => {
    expect(load({})).toMatchObject({
      node_id: null,
      storage_path: 'backup_node/storage',
      max_storage_gb: 100,
      host: '127.0.0.1',
      port: 8001,
      main_node_address: null,
      main_node_port: null,
      auto_cleanup_enabled: true,
      verification_interval_hours: 24,
      seeding_enabled: true,
      max_concurrent_transfers: 10,
      bandwidth_limit_mbps: null,
      lifecycle_day_seconds: 86_400,
      s3: {
        port: null,
        region: 'us-east-1',
        object_ownership_default: 'BucketOwnerEnforced',
        signature_v2: false,
      },
      security: { require_authentication: true, allowed_source_nodes: [] },
      monitoring: { metrics_port: null, log_level: 'INFO', log_file: 'logs/backup_node.log' },
      network: { announce_interval_seconds: 300, peer_timeout_seconds: 300, max_peer_connections: 50 },
      storage: { backup_retention_days: 30, shard_size_limit_mb: 100 },
    });
  });

  it('need no file, unless one was named', () => {
    expect(() => loadConfig({ file: join(folder, 'none.json'), env: {}, flags: [] })).toThrow(
      'there is no such file',
    );
  });
});

describe('a deployed configuration file', () => {
  it('loads with all optional sections', () => {
    const config = load({
      node_id: 'backup_node_01',
      storage_path: 'backup_node/storage',
      max_storage_gb: 100,
      port: 8001,
      main_node_address: null,
      main_node_port: null,
      auto_cleanup_enabled: true,
      verification_interval_hours: 24,
      seeding_enabled: true,
      max_concurrent_transfers: 10,
      bandwidth_limit_mbps: null,
      security: { require_authentication: true, allowed_source_nodes: ['main-1'], encryption_enabled: true },
      monitoring: { enable_metrics: true, metrics_port: 8002, log_level: 'INFO', enable_health_checks: true },
      network: {
        discovery_enabled: true,
        announce_interval_seconds: 300,
        peer_timeout_seconds: 300,
        max_peer_connections: 50,
      },
      storage: {
        compression_enabled: true,
        deduplication_enabled: true,
        encryption_at_rest: true,
        backup_retention_days: 30,
        shard_size_limit_mb: 100,
      },
    });
    expect(config.monitoring.metrics_port).toBe(8002);
    expect(config.security.allowed_source_nodes).toEqual(['main-1']);
  });
});

describe('the layers', () => {
  it('rise from file to environment to flags', () => {
    const file = { port: 1111, s3: { region: 'eu-1', port: 1112 }, max_storage_gb: 5 };
    const env = { BACKUP_NODE_PORT: '2222', BACKUP_NODE_S3__REGION: 'eu-2' };
    const flags = [{ flag: '--port', path: ['port'], value: 3333 }];
    const config = load(file, env, flags);
    expect(config.port).toBe(3333);
    expect(config.s3).toMatchObject({ region: 'eu-2', port: 1112 });
    expect(config.max_storage_gb).toBe(5);
  });

  it('read environment variables by the type of their key', () => {
    const config = load(
      {},
      {
        BACKUP_NODE_AUTO_CLEANUP_ENABLED: 'false',
        BACKUP_NODE_MAX_STORAGE_GB: '0.5',
        BACKUP_NODE_NODE_ID: '42',
        BACKUP_NODE_BANDWIDTH_LIMIT_MBPS: 'null',
        BACKUP_NODE_ALLOW_ANONYMOUS_SHARDS: 'true',
        BACKUP_NODE_S3__DOMAINS: '["s3.example.test"]',
        BACKUP_NODE_ADAPTERS__DISK__TYPE: 'local',
        BACKUP_NODE_ADAPTERS__DISK__PATH: '/srv/1',
      },
    );
    expect(config).toMatchObject({
      auto_cleanup_enabled: false,
      max_storage_gb: 0.5,
      node_id: '42',
      bandwidth_limit_mbps: null,
      allow_anonymous_shards: true,
      s3: { domains: ['s3.example.test'] },
      adapters: { disk: { type: 'local', path: '/srv/1' } },
    });
  });

  it('leave alone what Kubernetes puts beside a service called backup-node', () => {
    const env = {
      BACKUP_NODE_PORT: 'tcp://10.0.0.1:8001',
      BACKUP_NODE_SERVICE_HOST: '10.0.0.1',
      BACKUP_NODE_SERVICE_PORT_API: '8001',
      BACKUP_NODE_PORT_8001_TCP_ADDR: '10.0.0.1',
    };
    expect(load({}, env).port).toBe(8001);
  });

  it('do not take what is no key for one', () => {
    const env = {
      BACKUP_NODE_ROOT_ACCESS_KEY: 'root',
      BACKUP_NODE_ROOT_SECRET_KEY: 'secret-key',
      OTHER: '1',
    };
    expect(load({}, env)).toEqual(load({}));
  });
});

describe('what is refused', () => {
  it('names the key, the value and what would be right', () => {
    expect(problemsOf({ port: 70_000 })).toEqual([
      'port: 70000 is not allowed; expected at most 65535 (in /config.json)',
    ]);
    expect(problemsOf({ max_storage_gb: 'many' })).toEqual([
      'max_storage_gb: "many" is not allowed; expected a value of type number (in /config.json)',
    ]);
    expect(problemsOf({ port: 80.5 })).toEqual([
      'port: 80.5 is not allowed; expected a whole number (in /config.json)',
    ]);
    expect(problemsOf({ monitoring: { log_level: 'LOUD' } })[0]).toContain(
      'monitoring.log_level: "LOUD" is not allowed; expected one of "DEBUG"',
    );
    expect(problemsOf({ users: [{ name: '' }] })[0]).toContain(
      'users[0].name: "" is not allowed; expected at least 1 characters',
    );
    expect(problemsOf({ adapters: { disk: { type: 'ftp' } } })[0]).toContain(
      'adapters.disk.type: "ftp" is not allowed',
    );
    expect(problemsOf({ adapters: { Disk: { type: 'local', path: 'x' } } })[0]).toContain('adapters.Disk');
  });

  it('names the variable or the flag it came from', () => {
    expect(problemsOf({}, { BACKUP_NODE_S3__PORT: 'x' })[0]).toContain(
      's3.port: "x" is not allowed; expected a value of type number (from BACKUP_NODE_S3__PORT)',
    );
    expect(problemsOf({}, {}, [{ flag: '--port', path: ['port'], value: -1 }])[0]).toContain('(from --port)');
    expect(problemsOf({}, { BACKUP_NODE_REGION: 'x' })[0]).toContain(
      'region: unknown key; did you mean `s3.region`? (from BACKUP_NODE_REGION)',
    );
  });

  it('includes unknown keys, with a suggestion', () => {
    expect(problemsOf({ max_storage: 5 })).toEqual([
      'max_storage: unknown key; did you mean `max_storage_gb`? (in /config.json)',
    ]);
    expect(problemsOf({ s3: { regoin: 'x' } })).toEqual([
      's3.regoin: unknown key; did you mean `s3.region`? (in /config.json)',
    ]);
    expect(problemsOf({ tls: { zzz: 1 } })[0]).toContain('known here: certificate_file, key_file');
    expect(problemsOf('{"__proto__": {"port": 1}}')[0]).toContain('__proto__: unknown key');
  });

  it('tells all problems at once', () => {
    expect(problemsOf({ port: -1, s3: { port: 'x' }, what: 1 })).toHaveLength(3);
  });

  it('never shows a secret', () => {
    const secret = 'hunter2-hunter2';
    const wrong = [
      { users: [{ name: 'a', access_key: 'aaa', secret_key: 'hunter2' }] },
      { cluster_secret: 'hunter2' },
      { shard_tokens: [{ name: 'x', token: secret }] },
      { shard_tokens: [secret] },
      { users: [{ name: 'a', secretkey: secret }] },
      { users: { secret_key: secret } },
      { users: [{ name: 'a', access_key: 5, secret_key: secret }] },
    ];
    for (const content of wrong) {
      const problems = problemsOf(content);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join('\n')).not.toContain('hunter2');
    }
    const broken_json = { BACKUP_NODE_USERS: `[{"name":"a","secret_key":"${secret}"` };
    expect(problemsOf({}, broken_json)[0]).toMatch(
      /^users: a text is not allowed; expected a value of type array/,
    );
    expect(problemsOf(`{"cluster_secret": "${secret}`).join()).not.toContain('hunter2');
    expect(problemsOf(`{"cluster_secret": ${secret}}`).join()).not.toContain('hunter2');
  });

  it('says where a file is not JSON', () => {
    expect(problemsOf('{\n  "port": 1,\n  oops\n}')[0]).toMatch(/not valid JSON \(line 3, column 3\)/);
    expect(problemsOf('[]')[0]).toContain('expected one JSON object');
  });

  it('includes keys that contradict each other', () => {
    expect(problemsOf({ port: 9000, s3: { port: 9000 } })[0]).toContain('s3.port: 9000 is taken by port');
    expect(problemsOf({ port: 65_000 })[0]).toContain('give s3.port');
    expect(problemsOf({ tls: { key_file: 'k.pem' } })[0]).toContain('belong together');
    expect(problemsOf({ mounts: [{ buckets: '*', adapter: 'cloud' }] })[0]).toContain(
      'there is no adapter "cloud"; known: disk',
    );
    expect(problemsOf({ users: [{ name: 'a', access_key: 'aaa' }] })[0]).toContain('belong together');
    expect(problemsOf({ users: [{ name: 'a' }, { name: 'a' }] })[0]).toContain('there twice');
    expect(problemsOf({ users: [{ name: 'root' }] })[0]).toContain('reserved');
    expect(problemsOf({ shard_tokens: [{ name: 'a' }] })[0]).toContain('either `token` or `sha256`');
  });
});

describe('the S3 port', () => {
  it('is the port and 1000, and free where the port is', () => {
    expect(s3PortOf(load({}))).toBe(9001);
    expect(s3PortOf(load({ port: 0 }))).toBe(0);
    expect(s3PortOf(load({ port: 0, s3: { port: 9005 } }))).toBe(9005);
  });
});
