import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startMount } from '../support/mounts.mjs';
import { startNode } from '../support/node.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { collect, runBatch } from './pytest.mjs';
import { nodeUsers, suiteConfig } from './suite-config.mjs';

/**
 * @typedef {import('./pytest.mjs').Case} Case
 * @typedef {import('./pytest.mjs').Outcome} Outcome
 * @typedef {{ test: string, markers: string[], passed: boolean, outcome: string, seconds: number, error: string[] }} Result
 */

/** Tests per pytest process: starting one costs a second, a process that dies costs its rest. */
const BATCH_TESTS = 25;

/**
 * One outcome per test: a failed set-up or a missing line (the process died) is a failure; a failed
 * tear-down alone is not, for it may stem from another test's bucket.
 * @param {Case} one
 * @param {readonly Outcome[]} outcomes
 * @returns {Result}
 */
function judge({ test, markers }, outcomes) {
  const own = outcomes.filter((outcome) => outcome.test === test);
  const call =
    own.find((outcome) => outcome.phase === 'call') ?? own.find((outcome) => outcome.phase === 'setup');
  return {
    test,
    markers,
    passed: call?.outcome === 'passed' && call.phase === 'call',
    outcome: call?.outcome ?? 'no answer',
    seconds: call?.seconds ?? 0,
    error: call?.error ?? [],
  };
}

/**
 * A node over a storage of its own, unless a server is given.
 * @param {string} folder @param {import('../support/mounts.mjs').MountName} mount @param {string | undefined} s3_url
 * @returns {Promise<{ s3_url: string, stop: () => Promise<unknown> }>}
 */
async function start(folder, mount, s3_url) {
  if (s3_url !== undefined) return { s3_url, stop: async () => {} };
  const storage = await startMount(mount, folder);
  const config = { ...storage.config, users: nodeUsers() };
  const node = await startNode({ folder: join(folder, 'node'), config }).catch(async (cause) => {
    await storage.stop();
    throw cause;
  });
  const stop = async () => {
    await node.stop();
    await storage.stop();
  };
  return { s3_url: node.s3_url, stop };
}

/**
 * Runs the suite against nodes started for it, several processes side by side, each with a node of its own and
 * with what that node stores in: some tests count all buckets of an account.
 * @param {{ suite: string, workers: number, mount: import('../support/mounts.mjs').MountName, keyword?: string, s3_url?: string, log?: (line: string) => void }} options
 *   s3_url: an already running server with the suite's accounts, instead of nodes of our own
 * @returns {Promise<Result[]>}
 */
export async function runSuite({ suite, workers, mount, keyword, s3_url, log = () => {} }) {
  const folder = await temporaryFolder('s3-tests');
  const config_file = join(folder, 'suite.conf');
  await writeFile(config_file, suiteConfig(s3_url ?? 'http://127.0.0.1:1', 'collect'));
  const cases = await collect({
    suite,
    folder,
    config: config_file,
    ...(keyword === undefined ? {} : { keyword }),
  });
  /** @type {Case[][]} */
  const batches = [];
  for (let at = 0; at < cases.length; at += BATCH_TESTS) batches.push(cases.slice(at, at + BATCH_TESTS));
  /** @type {Outcome[]} */
  const outcomes = [];
  let next = 0;
  /** @param {number} worker */
  const work = async (worker) => {
    const home = join(folder, `worker${worker}`);
    await mkdir(home);
    const { s3_url: own_url, stop } = await start(home, mount, s3_url);
    try {
      const config = join(home, 'suite.conf');
      await writeFile(config, suiteConfig(own_url, `w${worker}`));
      while (next < batches.length) {
        const name = `batch${next}`;
        const tests = (batches[next] ?? []).map(({ test }) => test);
        next += 1;
        const ended = await runBatch({ suite, folder: home, config, name, tests });
        outcomes.push(...ended);
        const passed = ended.filter(({ phase, outcome }) => phase === 'call' && outcome === 'passed').length;
        log(`${name} of ${batches.length}: ${passed} of ${tests.length} passed`);
      }
    } finally {
      await stop();
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const results = cases.map((one) => judge(one, outcomes));
  if (results.some(({ outcome }) => outcome === 'no answer'))
    log(`some tests gave no answer: logs kept in ${folder}`);
  else await rm(folder, { recursive: true, force: true });
  return results;
}
