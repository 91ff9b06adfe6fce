import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { temporaryFolder } from './temp.mjs';
import type { Upstream } from './upstream.mjs';

/**
 * A `describe` with its own server of somebody else's. Where the program is missing the tests are skipped with the
 * reason; with CI=true that is a failure.
 */
export function describeUpstream(
  tool: string,
  start: (options: { binary: string; folder: string }) => Promise<Upstream>,
  body: (upstream: () => Upstream) => void,
): void {
  const entry = inject('installed')[tool];
  if (entry === undefined || 'reason' in entry) {
    const reason = `${tool} is not installed: ${entry?.reason ?? 'not asked for'}`;
    const missing = process.env.CI === 'true' ? test : test.skip;
    missing(reason, () => {
      throw new Error(reason);
    });
    return;
  }
  describe(tool, () => {
    let upstream: Upstream | undefined;
    let folder = '';
    beforeAll(async () => {
      folder = await temporaryFolder(`compat-${tool}`);
      upstream = await start({ binary: entry.path, folder });
    });
    afterAll(async () => {
      await upstream?.stop();
      await rm(folder, { recursive: true, force: true });
    });
    body(() => {
      if (upstream === undefined) throw new Error('the server runs only while tests run');
      return upstream;
    });
  });
}
