import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeUpstream } from '../support/describe-upstream.js';
import { startGarage } from '../support/garage.mjs';
import { REPOSITORY } from '../support/paths.mjs';
import { createPresigner } from '../support/presign.mjs';
import { run } from '../support/process.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import type { Upstream } from '../support/upstream.mjs';
import { startVersitygw } from '../support/versitygw.mjs';
import { startMinioUpstream } from './entries.js';

const MAIN = join(REPOSITORY, 'dist', 'main.js');

interface Line {
  readonly name: string;
  readonly verdict: string;
}

interface Probed {
  readonly code: number;
  /** Names of the lines with other verdicts than `ok`. */
  readonly lines: Readonly<Record<string, string>>;
  /** What the server holds afterwards. */
  readonly buckets: readonly string[];
}

/** Sizes that nobody wants to send. */
const TOO_LARGE = ['part_bytes_max', 'put_bytes_max', 'object_bytes_max'];

async function probe(upstream: Upstream, settings: object): Promise<Probed> {
  const folder = await temporaryFolder('compat-probe');
  const config = join(folder, 'config.json');
  const { s3_url: endpoint, region, access_key, secret_key } = upstream;
  const store = { type: 's3', endpoint, region, access_key, secret_key, ...settings };
  await writeFile(config, JSON.stringify({ storage_path: folder, adapters: { store } }));
  const result = await run(
    process.execPath,
    [MAIN, 'adapters', 'probe', 'store', '--config', config, '--json'],
    {
      accept: [0, 9],
    },
  );
  const report = JSON.parse(
    result.text.split('\n').find((line) => line.startsWith('{"adapter"')) ?? '{"lines":[]}',
  );
  // Whether a part comes in time to be late is up to the server.
  const by_chance = ({ name, verdict }: Line) => name.includes('late_parts') && verdict === 'unseen';
  const too_large = ({ name, verdict }: Line) => TOO_LARGE.includes(name) && verdict === 'untried';
  const others = (report.lines as Line[]).filter(
    (line) => line.verdict !== 'ok' && !by_chance(line) && !too_large(line),
  );
  const lines = Object.fromEntries(others.map(({ name, verdict }) => [name, verdict]));
  return { code: result.code, lines, buckets: await bucketsOf(upstream) };
}

async function bucketsOf({ s3_url, region, access_key, secret_key }: Upstream): Promise<string[]> {
  const presign = createPresigner(s3_url, { access_key, secret_key, region });
  const text = await (await fetch(`${s3_url}${presign('GET', '/')}`)).text();
  return [...text.matchAll(/<Name>([^<]*)/g)].map(([, name = '']) => name);
}

/** What nobody can look at who has no versions. */
const NO_VERSIONS = Object.fromEntries(
  [
    'deviations.no_markers_of_absent_keys',
    'deviations.folders_without_versions',
    'deviations.null_markers_of_odd_keys_stay',
    'deviations.prefixes_of_deleted_keys',
    'habits.deletes_null_markers',
    'habits.batches_tell_markers',
  ].map((name) => [name, 'untried']),
);

describeUpstream('minio', startMinioUpstream, (upstream) => {
  test('does what is declared of it, and all of it is declared', async () => {
    const as_s3 = await probe(upstream(), { provider: 'minio' });
    expect(as_s3).toEqual({ code: 0, lines: {}, buckets: [] });
  });

  test('what is declared beyond it is seen to be missing', async () => {
    const { code, lines, buckets } = await probe(upstream(), { provider: 'aws' });
    expect(code).toBe(9);
    expect(lines).toMatchObject({
      conditional_delete: 'broken',
      'keys.nested': 'broken',
      'deviations.ascii_tags': 'broken',
      'habits.conditional_copy': 'broken',
    });
    expect(buckets).toEqual([]);
  });
});

describeUpstream('versitygw', startVersitygw, (upstream) => {
  test('does what is declared of it', async () => {
    // It looks at the condition first and deletes then, which another writer may come between.
    const lines = { ...NO_VERSIONS, conditional_delete: 'unused' };
    expect(await probe(upstream(), { provider: 'versitygw' })).toEqual({ code: 0, lines, buckets: [] });
  });
});

describeUpstream('garage', startGarage, (upstream) => {
  test('does what is declared of it, and all of it is declared', async () => {
    const lines = { ...NO_VERSIONS, 'deviations.ascii_tags': 'untried' };
    expect(await probe(upstream(), { provider: 'garage' })).toEqual({ code: 0, lines, buckets: [] });
  });

  test('a capability that the configuration claims is seen to be missing', async () => {
    const settings = { provider: 'garage', capabilities: { versioning: true } };
    const { code, lines } = await probe(upstream(), settings);
    expect(code).toBe(9);
    expect(lines.versioning).toBe('broken');
  });
});
