import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeAdapter } from '../conformance/suite.js';
import type { OpenedAdapter } from '../conformance/support/harness.js';
import type { Adapter } from '../contract/index.js';
import { forwarding } from '../forwarding.js';
import { openLocalAdapter } from './open-local-adapter.js';

async function openInFreshFolder(decorate: (adapter: Adapter) => Adapter): Promise<OpenedAdapter> {
  const path = await mkdtemp(join(tmpdir(), 'backup-node-conformance-'));
  const adapter = decorate(await openLocalAdapter({ name: 'disk', path }));
  return {
    adapter,
    async close() {
      await adapter.close();
      await rm(path, { recursive: true, force: true });
    },
  };
}

describeAdapter('the local adapter', () => openInFreshFolder((adapter) => adapter));
describeAdapter('a decorated local adapter', () => openInFreshFolder(forwarding));
