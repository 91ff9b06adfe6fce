/** How an adapter reaches its upstream, from the configuration on, against a node as the upstream. */
import { renameSync, writeFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Adapter, isStoreError } from '../adapters/contract/index.js';
import { openAdapter } from '../adapters/open.js';
import type { S3AdapterOptions } from '../adapters/s3/options.js';
import { type RemoteSettings, s3Options } from '../adapters/s3/settings.js';
import { configSchema } from '../config/schema.js';
import { ensureBuilt, makeWorkplace, type Workplace } from './cli/testing/run-node.js';
import { FIRST_CERTIFICATE, FIRST_KEY, SECOND_CERTIFICATE } from './http/testing/certificates.js';

const ROOT = { access_key: 'AKUPSTREAM', secret_key: 'the secret key of root' };
const ENV = {
  BACKUP_NODE_ROOT_ACCESS_KEY: ROOT.access_key,
  BACKUP_NODE_ROOT_SECRET_KEY: ROOT.secret_key,
};

let place: Workplace;
const opened: Adapter[] = [];

beforeAll(ensureBuilt);
beforeEach(() => {
  place = makeWorkplace();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const adapter of opened.splice(0)) await adapter.close();
  await place.clear();
});

function fileWith(name: string, content: string | object): string {
  const file = join(place.folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const startNode = (config: object = {}) => place.start(['--config', fileWith('config.json', config)], ENV);

/** As a node opens what its configuration says. */
async function open(settings: object, more: Partial<S3AdapterOptions> = {}): Promise<Adapter> {
  const entry = { type: 's3', provider: 'backup-node', ...settings };
  const { up } = configSchema.parse({ adapters: { up: entry } }).adapters;
  const adapter = await openAdapter({
    ...s3Options('up', up as RemoteSettings, process.env),
    type: 's3',
    ...more,
  });
  opened.push(adapter);
  return adapter;
}

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return isStoreError(error) ? `${error.kind}: ${error.message}` : String(error);
  }
}

const list = (adapter: Adapter) => outcome(adapter.listBuckets({ limit: 10 }));

/** By the SDK and by requests of our own: both ask for credentials, trust and names in their own way. */
async function useBoth(adapter: Adapter, bucket: string): Promise<string> {
  await adapter.createBucket({ bucket, owner: 'me' });
  const body = Buffer.from('content');
  await adapter.putObject({ bucket, key: 'a key/ä', body, size_bytes: body.length });
  await adapter.putTags({ bucket, key: 'a key/ä', tags: { kind: 'test' } });
  const { info, body: read } = await adapter.getObject({ bucket, key: 'a key/ä' });
  return `${Buffer.from(read as Uint8Array)} ${info.tags_count}`;
}

describe('credentials_file', () => {
  it('is read again when it changes; one that is broken meanwhile changes nothing', async () => {
    const { s3_url: endpoint } = await startNode();
    const newKey = async () => JSON.parse((await place.run(['keys', 'create', '--json'])).stdout);
    const [first, second] = [await newKey(), await newKey()];
    const keys = ({ access_key, secret_key }: typeof ROOT) => ({ access_key, secret_key });
    const credentials_file = fileWith('keys.json', keys(first));
    const adapter = await open({ endpoint, credentials_file });
    expect(await useBoth(adapter, 'rotated')).toBe('content 1');
    writeFileSync(credentials_file, '{ "access_key": "half wri');
    expect(await list(adapter)).toBe('ok');
    // As one should: whole, and in one step.
    renameSync(fileWith('next.json', keys(second)), credentials_file);
    expect(await list(adapter)).toBe('ok');
    await place.run(['keys', 'revoke', first.access_key]);
    expect(await list(adapter)).toBe('ok');
    expect((await adapter.headObject({ bucket: 'rotated', key: 'a key/ä' })).info.size_bytes).toBe(7);
    await place.run(['keys', 'revoke', second.access_key]);
    expect(await list(adapter)).toMatch(/^access_denied/);
  });
});

describe('ca_file', () => {
  const tlsNode = () =>
    startNode({
      tls: {
        certificate_file: fileWith('certificate.pem', FIRST_CERTIFICATE),
        key_file: fileWith('key.pem', FIRST_KEY),
      },
    });

  it('is what the upstream is trusted by', async () => {
    const { s3_url: endpoint } = await tlsNode();
    expect(endpoint).toMatch(/^https:/);
    const adapter = await open({ endpoint, ...ROOT, ca_file: fileWith('ca.pem', FIRST_CERTIFICATE) });
    expect(await useBoth(adapter, 'trusted')).toBe('content 1');
  });

  it('of another authority, or none, is an error that says so', async () => {
    const { s3_url: endpoint } = await tlsNode();
    const other = await open({ endpoint, ...ROOT, ca_file: fileWith('ca.pem', SECOND_CERTIFICATE) });
    const none = await open({ endpoint, ...ROOT });
    for (const adapter of [other, none]) {
      expect(await list(adapter)).toMatch(/^unavailable: .*(certificate|self-signed)/);
      expect(await outcome(adapter.headBucket({ bucket: 'any' }))).toMatch(
        /^unavailable: .*(certificate|self-signed)/,
      );
    }
    await expect(open({ endpoint, ca_file: join(place.folder, 'absent.pem') })).rejects.toThrow(
      /absent\.pem/,
    );
  });
});

describe('names and regions', () => {
  it('buckets stand in front of the host in the virtual-host style', async () => {
    const { s3_url } = await startNode({ s3: { domains: ['s3.example.test'] } });
    const asked = new Set<string>();
    const lookup: LookupFunction = (name, options, callback) => {
      asked.add(name);
      if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    };
    const endpoint = `http://s3.example.test:${new URL(s3_url).port}`;
    const adapter = await open({ endpoint, ...ROOT, path_style: false }, { lookup });
    expect(await useBoth(adapter, 'hosted')).toBe('content 1');
    expect(await list(adapter)).toBe('ok');
    expect([...asked].sort()).toEqual([
      'backup-node-documents.s3.example.test',
      'hosted.s3.example.test',
      's3.example.test',
    ]);
  });

  it('requests are signed for the region of the upstream', async () => {
    const { s3_url: endpoint } = await startNode({ s3: { region: 'eu-test-7' } });
    expect(await useBoth(await open({ endpoint, ...ROOT, region: 'eu-test-7' }), 'regional')).toBe(
      'content 1',
    );
    expect(await list(await open({ endpoint, ...ROOT, region: 'eu-other-1' }))).toMatch(/eu-test-7/);
  });
});

describe("without credentials in the configuration, those of the SDK's chain", () => {
  it('come from the environment', async () => {
    const { s3_url: endpoint } = await startNode();
    vi.stubEnv('AWS_ACCESS_KEY_ID', ROOT.access_key);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', ROOT.secret_key);
    expect(await useBoth(await open({ endpoint }), 'from-env')).toBe('content 1');
  });

  const shared = ({ access_key, secret_key }: typeof ROOT) =>
    `[other]\naws_access_key_id = ${access_key}\naws_secret_access_key = ${secret_key}\n`;

  /** The one that finds out that the keys are no more. */
  const calls: [string, (adapter: Adapter) => Promise<unknown>][] = [
    ['the SDK', (adapter) => adapter.listBuckets({ limit: 10 })],
    ['requests of our own', (adapter) => adapter.getObject({ bucket: 'from-file', key: 'a key/ä' })],
  ];

  it.each(calls)('come from the shared file, also when they are rotated, for %s', async (_, call) => {
    const { s3_url: endpoint } = await startNode();
    const newKey = async () => JSON.parse((await place.run(['keys', 'create', '--json'])).stdout);
    const [first, second] = [await newKey(), await newKey()];
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) {
      vi.stubEnv(name, undefined);
    }
    const file = fileWith('credentials', shared(first));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    vi.stubEnv('AWS_CONFIG_FILE', fileWith('aws-config', ''));
    vi.stubEnv('AWS_PROFILE', 'other');
    const adapter = await open({ endpoint });
    expect(await useBoth(adapter, 'from-file')).toBe('content 1');
    writeFileSync(file, shared(second));
    await place.run(['keys', 'revoke', first.access_key]);
    expect(await outcome(call(adapter))).toMatch(/^access_denied/);
    expect(await outcome(call(adapter))).toBe('ok');
    expect(await useBoth(adapter, 'renewed')).toBe('content 1');
  });
});
