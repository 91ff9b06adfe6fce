import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeAdapter } from '../../adapters/conformance/suite.js';
import { openAdapter } from '../../adapters/open.js';
import { startNode } from '../support/node.mjs';
import type { Server } from '../support/server.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { entryOf } from './entries.js';

/** A node of this project is an upstream like any other: what it promises to clients is enough for an adapter. */
describe('node', () => {
  let node: Server | undefined;
  let folder = '';
  beforeAll(async () => {
    folder = await temporaryFolder('compat-node-upstream');
    node = await startNode({ folder });
  });
  afterAll(async () => {
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  describeAdapter('the s3 adapter over a node of this project', async () => {
    if (node === undefined) throw new Error('the node runs only while tests run');
    const adapter = await openAdapter(entryOf('s3', 'backup-node', { ...node, region: 'us-east-1' }));
    return { adapter, close: () => adapter.close() };
  });
});
