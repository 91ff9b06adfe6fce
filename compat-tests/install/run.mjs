/**
 * node compat-tests/install/run.mjs
 *
 * Installs the client programs into `.compat/`. A program that cannot be installed is reported with the
 * reason; with CI=true that is a failure.
 */
import { installClients } from './install.mjs';

const installed = await installClients({
  log: (line) => console.log(line),
});
const missing = Object.values(installed).filter((entry) => 'reason' in entry).length;
if (missing > 0 && process.env.CI === 'true') process.exitCode = 1;
