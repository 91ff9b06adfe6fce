/**
 * node compat-tests/install/node-release.mjs [VERSION]
 *
 * Installs the pinned long-term support releases of Node (or one version) into `.compat/` and prints the
 * folder of each `node` program, one per line, to be put first on PATH. The npm package `node` does the
 * same by an install script; naming the platform's package needs none.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS } from '../support/paths.mjs';
import { run } from '../support/process.mjs';
import { NODE_RELEASES } from './pins.mjs';

const PACKAGE = `node-${process.platform}-${process.arch}`;
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** @param {string} version */
async function installNode(version) {
  const folder = join(TOOLS, `node@${version}`);
  const programs = join(folder, 'node_modules', PACKAGE, 'bin');
  if (!existsSync(join(programs, 'node'))) {
    await mkdir(folder, { recursive: true });
    await run(
      'npm',
      ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', `${PACKAGE}@${version}`],
      { timeout_ms: INSTALL_TIMEOUT_MS },
    );
  }
  const actual = (await run(join(programs, 'node'), ['--version'])).text.trim();
  if (actual !== `v${version}`) throw new Error(`${programs} holds ${actual}, not v${version}`);
  return programs;
}

const wanted = process.argv[2];
for (const version of wanted === undefined ? NODE_RELEASES : [wanted])
  console.log(await installNode(version));
