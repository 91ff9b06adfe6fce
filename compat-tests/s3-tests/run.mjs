/**
 * S3_TESTS_DIR=<checkout of ceph/s3-tests> node compat-tests/s3-tests/run.mjs [--update] [-k EXPRESSION] [--workers N]
 *
 * Runs the core scope of the suite, prints passed and failed per marker, writes `.compat/s3-tests.json`, and
 * compares with expected-passes.txt: a test listed there that fails is a regression (exit code 1). `--update`
 * rewrites the list with what passed now. The last line is `N passed, N failed`, of the listed tests.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPython } from '../install/python.mjs';
import { buildNode } from '../support/build.mjs';
import { TOOLS } from '../support/paths.mjs';
import { runSuite } from './suite.mjs';

/** @typedef {import('./suite.mjs').Result} Result */

const EXPECTED = fileURLToPath(new URL('expected-passes.txt', import.meta.url));
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

async function readExpected() {
  const text = await readFile(EXPECTED, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

async function main() {
  const { values } = parseArgs({
    options: {
      update: { type: 'boolean', default: false },
      k: { type: 'string', short: 'k' },
      workers: { type: 'string', default: String(WORKERS) },
      'server-url': { type: 'string' },
    },
  });
  const suite = process.env.S3_TESTS_DIR;
  if (suite === undefined || !existsSync(join(suite, 's3tests', 'functional')))
    throw new Error('set S3_TESTS_DIR to a checkout of ceph/s3-tests');
  await installPython('s3-tests');
  if (values['server-url'] === undefined) await buildNode();
  const started = Date.now();
  const results = await runSuite({
    suite,
    workers: Number(values.workers),
    log: (line) => console.log(line),
    ...(values.k === undefined ? {} : { keyword: values.k }),
    ...(values['server-url'] === undefined ? {} : { s3_url: values['server-url'] }),
  });
  await mkdir(TOOLS, { recursive: true });
  await writeFile(join(TOOLS, 's3-tests.json'), JSON.stringify(results, null, 1));
  printMarkers(results);
  const passes = results.filter(({ passed }) => passed).map(({ test }) => test);
  console.log(
    `core scope: ${passes.length} of ${results.length} passed in ${Math.round((Date.now() - started) / 1_000)} s`,
  );
  if (values.update) {
    const title = '# Tests of ceph/s3-tests (core scope) that pass. Written by run.mjs --update.';
    await writeFile(EXPECTED, `${title}\n${[...passes].sort().join('\n')}\n`);
  }
  const expected = await readExpected();
  const ran = new Map(results.map((result) => [result.test, result]));
  const regressions = expected.filter((test) => ran.get(test)?.passed === false);
  for (const test of regressions)
    console.log(`REGRESSION ${test}\n    ${ran.get(test)?.error.join('\n    ')}`);
  const fresh = passes.filter((test) => !expected.includes(test));
  if (fresh.length > 0) console.log(`${fresh.length} more pass than are listed: run with --update`);
  const listed = expected.filter((test) => ran.has(test)).length;
  console.log(`${listed - regressions.length} passed, ${regressions.length} failed`);
  if (regressions.length > 0) process.exitCode = 1;
}

await main();
