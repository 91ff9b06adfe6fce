import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OWNER } from '../../../conformance/support/harness.js';
import type { Adapter } from '../../../contract/index.js';
import { openInFreshFolder } from '../../../local/testing/open-in-fresh-folder.js';

/** A local adapter to compress on its way to, and a folder for the spool. */
export interface OverLocal {
  readonly local: Adapter;
  readonly folder: string;
  close(): Promise<void>;
}

export async function openOverLocal(bucket: string): Promise<OverLocal> {
  const folder = await mkdtemp(join(tmpdir(), 'backup-node-spool-'));
  const { adapter, close } = await openInFreshFolder();
  await adapter.createBucket({ bucket, owner: OWNER });
  return {
    local: adapter,
    folder,
    async close() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}
