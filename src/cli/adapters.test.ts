import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProbeLine } from '../../adapters/s3/probe/compare.js';
import { ensureBuilt, makeWorkplace, type Workplace } from './testing/run-node.js';

const ROOT = { access_key: 'AKPROBE', secret_key: 'the secret key of root' };
const ENV = {
  BACKUP_NODE_ROOT_ACCESS_KEY: ROOT.access_key,
  BACKUP_NODE_ROOT_SECRET_KEY: ROOT.secret_key,
};

/** Some hundred requests, on a machine that may be busy. */
const PROBE_MS_MAX = 120_000;

let place: Workplace;

beforeAll(ensureBuilt);
beforeEach(() => {
  place = makeWorkplace();
});
afterEach(() => place.clear());

/** A configuration with a folder, and an upstream that is a node of ours. */
function configFor(endpoint: string, more: object = {}): string {
  const file = join(place.folder, 'probe.json');
  const upstream = { type: 's3', provider: 'backup-node', endpoint, ...ROOT, ...more };
  const adapters = { disk: { type: 'local', path: join(place.folder, 'disk') }, upstream };
  writeFileSync(file, JSON.stringify({ adapters, mounts: [{ buckets: '*', adapter: 'disk' }] }));
  return file;
}

async function bucketsOf(endpoint: string): Promise<string[]> {
  const credentials = { accessKeyId: ROOT.access_key, secretAccessKey: ROOT.secret_key };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  const { Buckets = [] } = await client.send(new ListBucketsCommand());
  client.destroy();
  return Buckets.map(({ Name = '' }) => Name).filter((name) => name !== 'shards');
}

describe('adapters list', () => {
  it('shows what is configured, and the one that is there without a configuration', async () => {
    const file = configFor('http://127.0.0.1:9');
    const { code, stdout } = await place.run(['adapters', 'list', '--config', file, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).adapters).toEqual([
      { name: 'disk', type: 'local', provider: null, location: join(place.folder, 'disk') },
      { name: 'upstream', type: 's3', provider: 'backup-node', location: 'http://127.0.0.1:9' },
    ]);
    expect(stdout).not.toContain(ROOT.secret_key);
    const bare = await place.run(['adapters', 'list']);
    expect(bare.stdout).toMatch(/disk +local/);
  });
});

describe('adapters probe', { timeout: PROBE_MS_MAX }, () => {
  it('sees all that is declared of a running node, and leaves nothing behind', async () => {
    const { s3_url } = await place.start([], ENV);
    const result = await place.run([
      'adapters',
      'probe',
      'upstream',
      '--config',
      configFor(s3_url),
      '--json',
    ]);
    // Nor does a library warn of a Node that this program supports.
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(result.stdout) as { lines: ProbeLine[]; suggestions: string[] };
    const others = report.lines.filter(({ verdict }) => verdict !== 'ok');
    expect(others.map(({ name, verdict, note }) => [name, verdict, note])).toEqual(
      ['part_bytes_max', 'put_bytes_max', 'object_bytes_max'].map((name) => [
        name,
        'untried',
        'would take an upload of that size',
      ]),
    );
    expect(report.lines.length).toBeGreaterThan(40);
    expect(report.suggestions).toEqual([]);
    expect(await bucketsOf(s3_url)).toEqual([]);
  });

  it('removes its buckets when it is interrupted', async () => {
    const { s3_url } = await place.start([], ENV);
    const probe = place.launch(['adapters', 'probe', 'upstream', '--config', configFor(s3_url)]);
    const ended = once(probe, 'close');
    while ((await bucketsOf(s3_url)).length === 0) await nextTurn();
    probe.kill('SIGINT');
    expect(await ended).toEqual([1, null]);
    expect(await bucketsOf(s3_url)).toEqual([]);
  });

  it('says what cannot be probed', async () => {
    const file = configFor('http://127.0.0.1:1');
    const probe = (name: string) => place.run(['adapters', 'probe', name, '--config', file]);
    expect(await probe('other')).toMatchObject({ code: 7 });
    expect(await probe('disk')).toMatchObject({ code: 7 });
    const down = await probe('upstream');
    expect(down).toMatchObject({ code: 1, stdout: '' });
    expect(down.stderr).toContain('upstream cannot be probed');
  });
});
