import { rm } from 'node:fs/promises';
import { afterAll, beforeAll } from 'vitest';
import { describeInstalled } from './installed.js';
import { temporaryFolder } from './temp.mjs';
import type { Upstream } from './upstream.mjs';

/** A `describe` with its own server of somebody else's. */
export function describeUpstream(
  tool: string,
  start: (options: { binary: string; folder: string }) => Promise<Upstream>,
  body: (upstream: () => Upstream) => void,
): void {
  describeInstalled(tool, tool, (binary) => {
    let upstream: Upstream | undefined;
    let folder = '';
    beforeAll(async () => {
      folder = await temporaryFolder(`compat-${tool}`);
      upstream = await start({ binary, folder });
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
