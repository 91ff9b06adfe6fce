import { cargoToolPath, installCargoTool } from './cargo.mjs';
import { goToolPath, installGoTool } from './go.mjs';
import { CARGO_TOOLS, GO_TOOLS, PYTHON_TOOLS } from './pins.mjs';
import { installPython, pythonProgram } from './python.mjs';

/** @typedef {{ path: string } | { reason: string }} Installed a program's path, or why there is none */

/** @param {unknown} cause */
function reasonOf(cause) {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.trim().split('\n').slice(-6).join(' | ').slice(0, 600);
}

/**
 * Brings all programs into `.compat/`; what is there at the pinned version stays.
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<Record<string, Installed>>} by name: python, aws, s3cmd, rclone, mc, restic, minio, versitygw, garage
 */
export async function installClients({ log = () => {} } = {}) {
  /** @type {Record<string, Installed>} */
  const installed = {};
  /** @param {string[]} names @param {() => Promise<Record<string, string>>} install */
  const step = async (names, install) => {
    const started = Date.now();
    try {
      const paths = await install();
      for (const [name, path] of Object.entries(paths)) installed[name] = { path };
      log(`${names.join(', ')}: ready (${((Date.now() - started) / 1_000).toFixed(1)} s)`);
    } catch (cause) {
      const reason = reasonOf(cause);
      for (const name of names) installed[name] = { reason };
      log(`${names.join(', ')}: skipped: ${reason}`);
    }
  };
  await step(Object.keys(PYTHON_TOOLS), async () => {
    await installPython('clients');
    return Object.fromEntries(
      Object.entries(PYTHON_TOOLS).map(([name, program]) => [name, pythonProgram('clients', program)]),
    );
  });
  for (const [name, pin] of Object.entries(GO_TOOLS)) {
    await step([name], async () => ({ [name]: await installGoTool(pin) }));
  }
  for (const [name, pin] of Object.entries(CARGO_TOOLS)) {
    await step([name], async () => ({ [name]: await installCargoTool(pin) }));
  }
  return installed;
}

/**
 * Where a program is, without installing anything.
 * @param {string} name
 */
export function toolPath(name) {
  const crate = CARGO_TOOLS[name];
  if (crate !== undefined) return cargoToolPath(crate);
  const pin = GO_TOOLS[name];
  return pin === undefined ? pythonProgram('clients', name) : goToolPath(pin);
}
