import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenedAdapter } from '../../conformance/support/harness.js';
import type { Adapter } from '../../contract/index.js';
import { type OpenLocalAdapterOptions, openLocalAdapter } from '../open-local-adapter.js';

export async function openInFreshFolder(
  decorate: (adapter: Adapter) => Adapter | Promise<Adapter> = (adapter) => adapter,
  options: Partial<OpenLocalAdapterOptions> = {},
): Promise<OpenedAdapter> {
  const path = await mkdtemp(join(tmpdir(), 'backup-node-conformance-'));
  const adapter = await decorate(await openLocalAdapter({ name: 'disk', path, ...options }));
  return {
    adapter,
    async close() {
      await adapter.close();
      await rm(path, { recursive: true, force: true });
    },
  };
}
