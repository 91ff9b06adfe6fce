import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../support/process.mjs';

const RUNNER = fileURLToPath(new URL('run.mjs', import.meta.url));
const TIMEOUT_MS = 30 * 60_000;

/** ceph/s3-tests is not ours to ship: this runs where S3_TESTS_DIR names a checkout of it. */
test.skipIf(process.env.S3_TESTS_DIR === undefined).each([
  ['everything that passed still passes', 'local'],
  ['what passes on local passes over MinIO, but for what MinIO cannot do', 'minio'],
])(
  'ceph/s3-tests: %s',
  async (_what, mount) => {
    const arguments_ = [RUNNER, '--mount', mount];
    const { text, code } = await run(process.execPath, arguments_, {
      timeout_ms: TIMEOUT_MS,
      accept: [0, 1],
    });
    console.log(text);
    expect(text.match(/^REGRESSION .*/gm) ?? []).toEqual([]);
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);
