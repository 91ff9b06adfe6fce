import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonProgram } from '../install/python.mjs';
import { TOOLS } from '../support/paths.mjs';
import { run } from '../support/process.mjs';

/**
 * @typedef {{ test: string, markers: string[] }} Case
 * @typedef {{ test: string, phase: string, outcome: string, seconds: number, error?: string[] }} Outcome
 */

const FILES = ['s3tests/functional/test_s3.py', 's3tests/functional/test_headers.py'];

/** The core scope: what an S3 server is asked for, without the features of one other server. */
export const SCOPE =
  'not bucket_logging and not cloud_transition and not cloud_restore and not lifecycle_transition and not fails_on_aws';

/** The longest tests of the suite wait for a lifecycle to act. */
const TEST_TIMEOUT_SECONDS = 120;
const BATCH_TIMEOUT_MS = 20 * 60_000;

/** @param {string} file */
async function readLines(file) {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/**
 * Starts pytest in the suite's folder, which stays as it is: what is cached lies elsewhere.
 * @param {{ suite: string, report: string, config: string }} where
 * @param {readonly string[]} args
 */
async function pytest({ suite, report, config }, args) {
  await writeFile(report, '');
  const plugin = fileURLToPath(new URL('.', import.meta.url));
  const result = await run(
    pythonProgram('s3-tests', 'python'),
    ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 's3_tests_report', ...args],
    {
      cwd: suite,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        PYTHONPATH: plugin,
        // Compiling the suite's one large file takes two seconds of each start.
        PYTHONPYCACHEPREFIX: join(TOOLS, 'python-cache'),
        NO_PROXY: '*',
        S3TEST_CONF: config,
        S3_TESTS_REPORT: report,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
      timeout_ms: BATCH_TIMEOUT_MS,
      // 1: tests failed, 5: nothing collected; anything above is pytest's own trouble, -1 the time limit.
      accept: [0, 1, 2, 3, 4, 5, -1],
    },
  );
  return { lines: await readLines(report), result };
}

/**
 * @param {{ suite: string, folder: string, config: string, scope?: string, keyword?: string }} options
 * @returns {Promise<Case[]>}
 */
export async function collect({ suite, folder, config, scope = SCOPE, keyword }) {
  const where = { suite, config, report: join(folder, 'collected.jsonl') };
  const select = ['--collect-only', '-m', scope, ...(keyword === undefined ? [] : ['-k', keyword])];
  const { lines, result } = await pytest(where, [...select, ...FILES]);
  if (lines.length === 0) throw new Error(`pytest collected nothing\n${result.text}\n${result.error}`);
  return lines;
}

/**
 * @param {{ suite: string, folder: string, config: string, name: string, tests: readonly string[] }} options
 * @returns {Promise<Outcome[]>}
 */
export async function runBatch({ suite, folder, config, name, tests }) {
  const report = join(folder, `${name}.jsonl`);
  const timeout = [`--timeout=${TEST_TIMEOUT_SECONDS}`, '--timeout-method=signal'];
  const { lines, result } = await pytest({ suite, config, report }, [...timeout, '--tb=short', ...tests]);
  await writeFile(join(folder, `${name}.log`), result.text + result.error);
  return lines;
}
