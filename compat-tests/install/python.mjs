import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TOOLS } from '../support/paths.mjs';
import { run } from '../support/process.mjs';

/** @typedef {'clients' | 's3-tests'} Environment each has a requirements file of its name */

/** Written last: says which requirements the environment holds completely. */
const STAMP = 'requirements.sha256';
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** @param {Environment} environment @param {string} program */
export function pythonProgram(environment, program) {
  return join(TOOLS, `python-${environment}`, 'bin', program);
}

/**
 * Makes a virtual environment with its pinned packages; returns at once where it is there already.
 * @param {Environment} environment
 */
export async function installPython(environment) {
  const folder = join(TOOLS, `python-${environment}`);
  const requirements = fileURLToPath(new URL(`requirements-${environment}.txt`, import.meta.url));
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const present = await readFile(join(folder, STAMP), 'utf8').catch(() => '');
  if (present === wanted) return;
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  const options = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await run(pythonProgram(environment, 'python'), ['-m', 'pip', 'install', ...options, '-r', requirements], {
    timeout_ms: INSTALL_TIMEOUT_MS,
  });
  await writeFile(join(folder, STAMP), wanted);
}
