import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TOOLS } from '../support/paths.mjs';
import { run } from '../support/process.mjs';

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const ENVIRONMENT = join(TOOLS, 'python');
/** Written last: says which requirements the environment holds completely. */
const STAMP = join(ENVIRONMENT, 'requirements.sha256');
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** @param {string} name a program of the Python environment */
export function pythonToolPath(name) {
  return join(ENVIRONMENT, 'bin', name);
}

/** Makes the virtual environment with all pinned packages; returns at once where it is there already. */
export async function installPython() {
  const wanted = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');
  const present = await readFile(STAMP, 'utf8').catch(() => '');
  if (present === wanted) return;
  await rm(ENVIRONMENT, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', ENVIRONMENT]);
  await run(
    pythonToolPath('python'),
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', REQUIREMENTS],
    { timeout_ms: INSTALL_TIMEOUT_MS },
  );
  await writeFile(STAMP, wanted);
}
