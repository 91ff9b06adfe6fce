import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS } from '../support/paths.mjs';
import { run } from '../support/process.mjs';

const BUILD_TIMEOUT_MS = 30 * 60_000;

/**
 * The folder name carries the version, so what is there is right, and a new pin is a new folder.
 * @param {import('./pins.mjs').GoPin} pin
 */
export function goToolPath(pin) {
  return join(TOOLS, 'bin', `${pin.binary}@${pin.version}`, pin.binary);
}

/**
 * Where the module's sources are. `go install` would ask the registry for all versions as well, of which nothing is
 * needed, and it would not hold to the module's own go.sum.
 * @param {import('./pins.mjs').GoPin} pin
 * @returns {Promise<string>}
 */
async function downloadModule({ module, version }) {
  const { text } = await run('go', ['mod', 'download', '-json', `${module}@${version}`], {
    timeout_ms: BUILD_TIMEOUT_MS,
  });
  return JSON.parse(text).Dir;
}

/**
 * Builds one Go program; built aside and renamed, so that an interrupted build leaves nothing behind.
 * @param {import('./pins.mjs').GoPin} pin
 * @returns {Promise<string>} the program's path
 */
export async function installGoTool(pin) {
  const path = goToolPath(pin);
  if (existsSync(path)) return path;
  await mkdir(join(TOOLS, 'bin'), { recursive: true });
  const building = await mkdtemp(join(TOOLS, 'bin', `${pin.binary}.building-`));
  try {
    const program = join(building, pin.binary);
    const build = ['build', '-ldflags=-s -w', '-o', program, pin.package ?? '.'];
    await run('nice', ['-n', '10', 'go', ...build], {
      cwd: await downloadModule(pin),
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' },
      timeout_ms: BUILD_TIMEOUT_MS,
    });
    await rm(join(path, '..'), { recursive: true, force: true });
    await rename(building, join(path, '..'));
    return path;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}
