import { dirname } from 'node:path';
import { startNode } from '../support/node.mjs';
import { residentMemory } from './memory.mjs';
import { keyOf } from './plans.mjs';

/** @typedef {import('./scenarios.mjs').Bench} Bench */

/**
 * From starting the process to its first answer with a stored object, after an orderly end and after SIGKILL,
 * on the folder that the other scenarios filled. Leaves the last started node as the first server.
 * @param {Bench} bench
 */
export async function measureStart({ loader, servers, report, sizes, log }) {
  const [first] = servers;
  if (first === undefined) return;
  const { access_key, secret_key, log_file } = first;
  const folder = dirname(log_file);
  let current = first;
  for (const [how, end] of /** @type {const} */ ([
    ['after SIGTERM', 'stop'],
    ['after SIGKILL', 'kill'],
  ])) {
    await current[end]();
    const started = performance.now();
    current = await startNode({ folder, access_key, secret_key });
    servers[0] = current;
    const plan = /** @type {const} */ ({ type: 'get', bucket: 'listed', prefix: '', first: 0, count: 1 });
    const answer = await loader.run({ target: current, plan, connections: 1 });
    const seconds = (performance.now() - started) / 1_000;
    if (Object.keys(answer.refused).length > 0) throw new Error(`${keyOf('', 0)} is not there after a start`);
    const { all_bytes } = await residentMemory(current.pid);
    log(`start ${how}: ${seconds.toFixed(2)} s, ${(all_bytes / 1e6).toFixed(0)} MB`);
    report.add(
      {
        what: `start to first answer, ${sizes.keys} keys, ${how}`,
        unit: 's',
        more_is_better: false,
        goal: { limit: 1 },
      },
      current.name,
      seconds,
    );
  }
  const { all_bytes } = await residentMemory(current.pid);
  report.add(
    {
      what: `memory after a start with ${sizes.keys} keys`,
      unit: 'MB',
      more_is_better: false,
      goal: { limit: 100 },
    },
    current.name,
    all_bytes / 1e6,
  );
}
