import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { processAlive } from '../control/run-file.js';
import { ensureBuilt, makeWorkplace, type Workplace } from './testing/run-node.js';

let place: Workplace;

beforeAll(ensureBuilt);
beforeEach(() => {
  place = makeWorkplace();
});
afterEach(() => place.clear());

const inStorage = (name: string) => join(place.storage_path, name);
const modeOf = (path: string) => statSync(path).mode & 0o777;
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

describe('start', () => {
  it('says on one line where both doors are, and answers there', async () => {
    const node = await place.start();
    const health = await fetch(`${node.api_url}/health`);
    expect(health.status).toBe(200);
    expect(health.headers.get('x-request-id')).toMatch(/^[0-9A-F]{16}$/);
    expect(await health.json()).toMatchObject({ status: 'healthy', node_status: { node_id: node.node_id } });
    const s3 = await fetch(node.s3_url);
    expect(s3.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
    node.process.kill('SIGTERM');
    expect(await node.ended()).toBe(0);
    expect(node.stdout().trim().split('\n')).toHaveLength(1);
  });

  it('keeps its secrets in files for its user only', async () => {
    const node = await place.start();
    for (const name of ['credentials.json', 'master.key', 'run.json'])
      expect(modeOf(inStorage(name))).toBe(0o600);
    expect(modeOf(place.storage_path)).toBe(0o700);
    const { secret_key } = readJson(inStorage('credentials.json'));
    expect(node.stdout()).not.toContain(secret_key);
    expect(readFileSync(join(place.folder, 'logs/backup_node.log'), 'utf8')).not.toContain(secret_key);
  });

  it('keeps its id and its credentials over restarts', async () => {
    const first = await place.start();
    const credentials = readJson(inStorage('credentials.json'));
    expect((await place.run(['stop'])).code).toBe(0);
    const second = await place.start();
    expect(second.node_id).toBe(first.node_id);
    expect(readJson(inStorage('credentials.json'))).toEqual(credentials);
  });

  it('takes the id and the root credentials that it is given', async () => {
    const env = { BACKUP_NODE_ROOT_ACCESS_KEY: 'rootkey', BACKUP_NODE_ROOT_SECRET_KEY: 'rootsecret' };
    const node = await place.start(['--node-id', 'node-7'], env);
    expect(node.node_id).toBe('node-7');
    expect(readdirSync(place.storage_path)).not.toContain('credentials.json');
    await place.run(['stop']);
    expect((await place.start([], env)).node_id).toBe('node-7');
  });

  it('refuses a second process on the folder, and says which one holds it', async () => {
    const node = await place.start();
    const second = await place.run(['start', '--port', '0', '--json']);
    expect(second.code).toBe(4);
    expect(second.stdout).toBe('');
    expect(JSON.parse(second.stderr).message).toMatch(new RegExp(`held by.*process ${node.pid}\\b`));
    expect((await fetch(`${node.api_url}/health`)).status).toBe(200);
  });

  it('says what is wrong with the configuration, without a stack', async () => {
    writeFileSync(join(place.folder, 'c.json'), '{"prot": 1, "peers": []}');
    const { code, stderr } = await place.run(['start', '--config', 'c.json', '--max-storage', 'much']);
    expect(code).toBe(2);
    expect(stderr).toContain('prot: unknown key; did you mean `port`? (in c.json)');
    expect(stderr).toContain(
      'max_storage_gb: "much" is not allowed; expected a value of type number (from --max-storage)',
    );
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('refuses what it cannot do yet, and leaves nothing behind', async () => {
    const rules = JSON.stringify([{ name: 'offsite', targets: ['cloud'] }]);
    const { code, stderr } = await place.run(['start'], { BACKUP_NODE_SEEDING__RULES: rules });
    expect(code).toBe(2);
    expect(stderr).toContain('seeding.rules: seeding rules are not supported yet');
    expect(readdirSync(place.folder)).not.toContain('storage');
  });

  it('refuses an address that others can reach without a shard token', async () => {
    const refused = await place.run(['start', '--port', '0', '--host', '0.0.0.0']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('no shard token is there');
    const created = await place.run(['keys', 'create', '--shard-token', 'chat', '--json']);
    const { token } = JSON.parse(created.stdout);
    const node = await place.start(['--host', '0.0.0.0']);
    const shards = `${node.api_url}/api/v1/shards`;
    expect((await fetch(shards)).status).toBe(401);
    expect((await fetch(shards, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  it('says why it cannot listen', async () => {
    const node = await place.start();
    const other = makeWorkplace();
    const port = new URL(node.api_url).port;
    const { code, stderr } = await other.run(['start', '--port', port]);
    await other.clear();
    expect(code).toBe(5);
    expect(stderr).toContain(`cannot listen on 127.0.0.1 port ${port}: it is in use by another program`);
  });

  it('writes its settings into the configuration file when it is told to', async () => {
    const file = join(place.folder, 'c.json');
    writeFileSync(file, '{"s3": {"region": "eu-1"}}');
    await place.start(['--config', 'c.json', '--max-storage', '5', '--force-config']);
    expect(readJson(file)).toMatchObject({ s3: { region: 'eu-1', port: 0 }, port: 0, max_storage_gb: 5 });
  });

  it('has metrics, on a port of their own where that is said', async () => {
    const node = await place.start();
    await fetch(`${node.api_url}/health`);
    const metrics = await (await fetch(`${node.api_url}/metrics`)).text();
    expect(metrics).toContain('backup_node_requests_total{door="node",operation="health",status="200"} 1');
    expect(metrics).toContain('process_resident_memory_bytes');
    await place.run(['stop']);
    const separate = await place.start([], { BACKUP_NODE_MONITORING__METRICS_PORT: '0' });
    const { metrics_url } = JSON.parse(separate.stdout()) as { metrics_url: string };
    expect((await fetch(`${metrics_url}/metrics`)).status).toBe(200);
    expect((await fetch(`${separate.api_url}/metrics`)).status).toBe(404);
  });
});

describe('a node in the background', () => {
  it('is started, asked and stopped', async () => {
    const started = await place.run(['start', '--detach', '--json', '--port', '0', '--s3-port', '0']);
    expect(started.code).toBe(0);
    const ready = JSON.parse(started.stdout);
    expect(ready).toMatchObject({ event: 'ready' });
    const status = await place.run(['status', '--json']);
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      running: true,
      phase: 'running',
      pid: ready.pid,
      s3_url: ready.s3_url,
    });
    expect((await place.run(['status'])).stdout).toContain(ready.api_url);
    const stopped = await place.run(['stop', '--json']);
    expect(JSON.parse(stopped.stdout)).toEqual({ stopped: true, pid: ready.pid });
    expect(processAlive(ready.pid)).toBe(false);
    expect((await place.run(['status'])).code).toBe(3);
    expect((await place.run(['stop'])).code).toBe(3);
  });

  it('tells the command why it did not start', async () => {
    await place.start();
    const { code, stderr } = await place.run(['start', '--detach', '--port', '0']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/is held by.*process \d+/);
  });
});

describe('keys', () => {
  const list = async () => {
    const { stdout } = await place.run(['keys', 'list', '--json']);
    return (JSON.parse(stdout).keys as { id: string; name: string }[]).map(({ id, name }) => `${name} ${id}`);
  };

  it('are made, listed and revoked, with and without a running node', async () => {
    const offline = JSON.parse((await place.run(['keys', 'create', '--user', 'alice', '--json'])).stdout);
    await place.start();
    const online = JSON.parse((await place.run(['keys', 'create', '--user', 'alice', '--json'])).stdout);
    expect(await list()).toEqual(
      expect.arrayContaining([`alice ${offline.access_key}`, `alice ${online.access_key}`]),
    );
    expect((await place.run(['keys', 'revoke', offline.access_key])).code).toBe(0);
    await place.run(['stop']);
    const left = await list();
    expect(left).toContain(`alice ${online.access_key}`);
    expect(left).not.toContain(`alice ${offline.access_key}`);
    const missing = await place.run(['keys', 'revoke', offline.access_key]);
    expect(missing.code).toBe(7);
    expect(missing.stderr).toContain(`there is no key ${offline.access_key}`);
  });

  it('cannot be asked for without the token of the run file', async () => {
    const node = await place.start();
    const url = `${node.api_url}/api/v1/control/keys`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: 'Bearer nothing' } })).status).toBe(401);
    const { control_token } = readJson(inStorage('run.json'));
    expect((await fetch(url, { headers: { authorization: `Bearer ${control_token}` } })).status).toBe(200);
  });
});

describe('verify', () => {
  it('reads everything, through the node and without it', async () => {
    const node = await place.start();
    const digest = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const stored = await fetch(`${node.api_url}/api/v1/shards/store`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ shard_id: 'a', shard_data: 'aGVsbG8=', original_hash: digest }),
    });
    expect(stored.status).toBe(200);
    const expected = { event: 'done', objects: 1, bytes: 5, corrupt: 0 };
    const last = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(last(await place.run(['verify', '--json']))).toEqual(expected);
    await place.run(['stop']);
    expect(last(await place.run(['verify']))).toEqual(expected);
    expect((await place.run(['verify', '--bucket', 'none'])).code).not.toBe(0);
  });
});

describe('config', () => {
  it('shows what is in force, secrets hidden', async () => {
    const env = { BACKUP_NODE_CLUSTER_SECRET: 'hunter2-hunter2-hunter2', BACKUP_NODE_PORT: '8100' };
    const { code, stdout } = await place.run(['config', 'show'], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      port: 8100,
      cluster_secret: '[hidden]',
      storage_path: place.storage_path,
    });
    expect(stdout).not.toContain('hunter2');
  });
});

describe('the command line', () => {
  it('names what it does not know', async () => {
    const { code, stderr } = await place.run(['strat']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean start?');
  });
});
