import { REPOSITORY } from './paths.mjs';
import { run } from './process.mjs';

/** Bundles the node from the sources as they are now, so that no run measures an old build. */
export async function buildNode() {
  await run('npm', ['run', 'build'], { cwd: REPOSITORY });
}
