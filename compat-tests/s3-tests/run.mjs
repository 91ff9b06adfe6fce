/**
 * S3_TESTS_DIR=<checkout of ceph/s3-tests> node compat-tests/s3-tests/run.mjs [--update] [-k EXPRESSION] [--workers N]
 *   [--mount local|minio|versitygw|garage]
 *
 * Runs the core scope of the suite, prints passed and failed per marker, writes `.compat/s3-tests.json`, and
 * compares with expected-passes.txt: a test listed there that fails is a regression (exit code 1). `--update`
 * rewrites the list with what passed now. The last line is `N passed, N failed`, of the listed tests.
 *
 * With `--mount` the node stores in a real server of that kind. What passes on local must pass there too, but for the
 * tests in expected-failures-MOUNT.txt, each with the limit of that server which is the reason.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPython } from '../install/python.mjs';
import { buildNode } from '../support/build.mjs';
import { MOUNT_NAMES } from '../support/mounts.mjs';
import { TOOLS } from '../support/paths.mjs';
import { runSuite } from './suite.mjs';

/** @typedef {import('./suite.mjs').Result} Result */
/** @typedef {import('../support/mounts.mjs').MountName} MountName */

const EXPECTED = 'expected-passes.txt';
const WORKERS = 3;

/** @param {readonly Result[]} results */
function printMarkers(results) {
  /** @type {Map<string, { passed: number, failed: number }>} */
  const rows = new Map();
  for (const { markers, passed } of results)
    for (const marker of markers.length === 0 ? ['(none)'] : markers) {
      const row = rows.get(marker) ?? { passed: 0, failed: 0 };
      row[passed ? 'passed' : 'failed'] += 1;
      rows.set(marker, row);
    }
  console.log(`\n${'marker'.padEnd(32)}${'passed'.padStart(8)}${'failed'.padStart(8)}`);
  for (const [marker, row] of [...rows].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`${marker.padEnd(32)}${String(row.passed).padStart(8)}${String(row.failed).padStart(8)}`);
  const passed = results.filter((result) => result.passed).length;
  console.log(
    `${'all'.padEnd(32)}${String(passed).padStart(8)}${String(results.length - passed).padStart(8)}\n`,
  );
}

/** @param {string} name a list beside this file, one entry a line @returns {Promise<string[]>} */
async function readList(name) {
  const text = await readFile(fileURLToPath(new URL(name, import.meta.url)), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * What the storage under the node is known not to let pass.
 * @param {MountName} mount @returns {Promise<Map<string, string>>} from the test to the reason
 */
async function readKnownFailures(mount) {
  const lines = mount === 'local' ? [] : await readList(`expected-failures-${mount}.txt`);
  return new Map(
    lines.map((line) => {
      const [, test, reason] = /^(\S+) +(\S.*)$/.exec(line) ?? [];
      if (test === undefined || reason === undefined) throw new Error(`no reason is given: ${line}`);
      return [test, reason];
    }),
  );
}

/**
 * Compares with the lists and prints how they differ; the last line is the sum.
 * @param {readonly Result[]} results @param {MountName} mount
 * @returns {Promise<boolean>} whether all is as listed
 */
async function compare(results, mount) {
  const expected = await readList(EXPECTED);
  const known = await readKnownFailures(mount);
  const ran = new Map(results.map((result) => [result.test, result]));
  const listed = expected.filter((test) => ran.has(test) && !known.has(test));
  const regressions = listed.filter((test) => ran.get(test)?.passed === false);
  for (const test of regressions)
    console.log(`REGRESSION ${test}\n    ${ran.get(test)?.error.join('\n    ')}`);
  for (const [test, reason] of known) {
    if (ran.get(test)?.passed === false) console.log(`known to fail over ${mount}: ${test}: ${reason}`);
  }
  const mended = [...known.keys()].filter((test) => ran.get(test)?.passed === true);
  for (const test of mended)
    console.log(`REGRESSION ${test}\n    it passes, and is listed as failing over ${mount}`);
  const fresh = results.filter(({ test, passed }) => passed && !expected.includes(test));
  if (fresh.length > 0 && mount === 'local')
    console.log(`${fresh.length} more pass than are listed: run with --update`);
  const failed = regressions.length + mended.length;
  console.log(`${listed.length - regressions.length} passed, ${failed} failed`);
  return failed === 0;
}

/** @param {string} text @returns {MountName} */
function mountNamed(text) {
  const found = MOUNT_NAMES.find((name) => name === text);
  if (found === undefined) throw new Error(`--mount is one of ${MOUNT_NAMES.join(', ')}`);
  return found;
}

async function main() {
  const { values } = parseArgs({
    options: {
      update: { type: 'boolean', default: false },
      k: { type: 'string', short: 'k' },
      workers: { type: 'string', default: String(WORKERS) },
      mount: { type: 'string', default: 'local' },
      'server-url': { type: 'string' },
    },
  });
  const suite = process.env.S3_TESTS_DIR;
  if (suite === undefined || !existsSync(join(suite, 's3tests', 'functional')))
    throw new Error('set S3_TESTS_DIR to a checkout of ceph/s3-tests');
  const mount = mountNamed(values.mount);
  if (values.update && mount !== 'local') throw new Error('--update is for the local adapter alone');
  await installPython('s3-tests');
  if (values['server-url'] === undefined) await buildNode();
  const started = Date.now();
  const results = await runSuite({
    suite,
    workers: Number(values.workers),
    mount,
    log: (line) => console.log(line),
    ...(values.k === undefined ? {} : { keyword: values.k }),
    ...(values['server-url'] === undefined ? {} : { s3_url: values['server-url'] }),
  });
  await mkdir(TOOLS, { recursive: true });
  const report = mount === 'local' ? 's3-tests.json' : `s3-tests-${mount}.json`;
  await writeFile(join(TOOLS, report), JSON.stringify(results, null, 1));
  printMarkers(results);
  const passes = results.filter(({ passed }) => passed).map(({ test }) => test);
  console.log(
    `core scope: ${passes.length} of ${results.length} passed in ${Math.round((Date.now() - started) / 1_000)} s`,
  );
  if (values.update) {
    const title = '# Tests of ceph/s3-tests (core scope) that pass. Written by run.mjs --update.';
    const list = fileURLToPath(new URL(EXPECTED, import.meta.url));
    await writeFile(list, `${title}\n${[...passes].sort().join('\n')}\n`);
  }
  if (!(await compare(results, mount))) process.exitCode = 1;
}

await main();
