import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS } from '../support/paths.mjs';
import { run } from '../support/process.mjs';

const BUILD_TIMEOUT_MS = 60 * 60_000;

/**
 * As with Go programs, the folder name carries the version.
 * @param {import('./pins.mjs').CargoPin} pin
 */
export function cargoToolPath(pin) {
  return join(TOOLS, 'bin', `${pin.binary}@${pin.version}`, pin.binary);
}

/**
 * Builds one published Rust program; built aside and renamed, so that an interrupted build leaves nothing behind.
 * @param {import('./pins.mjs').CargoPin} pin
 * @returns {Promise<string>} the program's path
 */
export async function installCargoTool(pin) {
  const path = cargoToolPath(pin);
  if (existsSync(path)) return path;
  await mkdir(join(TOOLS, 'bin'), { recursive: true });
  const building = await mkdtemp(join(TOOLS, 'bin', `${pin.binary}.building-`));
  try {
    const crate = ['install', pin.crate, '--version', `=${pin.version}`, '--locked', '--root', building];
    await run('nice', ['-n', '10', 'cargo', ...crate], { timeout_ms: BUILD_TIMEOUT_MS });
    await rm(join(path, '..'), { recursive: true, force: true });
    await rename(join(building, 'bin'), join(path, '..'));
    return path;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}
