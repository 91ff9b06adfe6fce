import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./load-process.mjs').Job} Job */
/** @typedef {import('./load-process.mjs').Measured} Measured */

/**
 * @typedef {object} Loader
 * @property {(job: Job) => Promise<Measured>} run
 * @property {(job: Job) => Promise<number>} verify how many objects were compared
 * @property {() => void} stop
 */

/** Starts the load generator as a process of its own, so that measuring never waits for loading. @returns {Loader} */
export function startLoader() {
  const child = fork(fileURLToPath(new URL('load-process.mjs', import.meta.url)));
  /** @type {Map<number, { resolve: (value: any) => void, reject: (cause: Error) => void }>} */
  const waiting = new Map();
  let last = 0;
  child.on('message', (/** @type {any} */ { id, result, error }) => {
    const request = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) request?.resolve(result);
    else request?.reject(new Error(`load: ${error}`));
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`load generator ended with ${code}`));
    waiting.clear();
  });
  /** @param {'run' | 'verify'} action @param {Job} job @returns {Promise<any>} */
  const ask = (action, job) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      child.send({ id: last, action, job });
    });
  return {
    run: (job) => ask('run', job),
    verify: (job) => ask('verify', job),
    stop: () => child.disconnect(),
  };
}
