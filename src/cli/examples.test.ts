import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureBuilt, makeWorkplace, type Workplace } from './testing/run-node.js';

const EXAMPLES = fileURLToPath(new URL('../../config/examples/', import.meta.url));

/** What the examples take from the environment. */
const ENVIRONMENT = {
  MINIO_SECRET_KEY: 'a secret key',
  CLOUD_SECRET_KEY: 'a secret key',
  CLOUD_ENCRYPTION_KEY: '2f'.repeat(32),
  GARAGE_SECRET_KEY: 'a secret key',
};

let place: Workplace;
beforeEach(() => {
  ensureBuilt();
  place = makeWorkplace();
});
afterEach(() => place.clear());

it.each(readdirSync(EXAMPLES))('%s starts a node that answers on both doors', async (file) => {
  const node = await place.start(['--config', `${EXAMPLES}${file}`], ENVIRONMENT);
  const health = await fetch(`${node.api_url}/health`);
  expect(health.status).toBe(200);
  const unsigned = await fetch(node.s3_url);
  expect(unsigned.status).toBe(403);
  node.process.kill('SIGTERM');
  expect(await node.ended()).toBe(0);
});
