import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { hexTextOf, readAll } from '../../adapters/conformance/support/bytes.js';
import type { Adapter } from '../../adapters/contract/index.js';
import type { DecoratorOptions } from '../../adapters/decorators/stack.js';
import { openAdapter } from '../../adapters/open.js';
import { MIB } from '../support/data.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startGarage } from '../support/garage.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import type { Upstream } from '../support/upstream.mjs';
import { startVersitygw } from '../support/versitygw.mjs';
import { entryOf, startMinioUpstream } from './entries.js';

const OWNER = '0'.repeat(64);
const ROUNDS = 300;

describeUpstream('garage', startGarage, (upstream) => {
  test('a copy is what stands, however shortly its target was written or deleted before', async () => {
    const adapter = await openAdapter(entryOf('s3', 'garage', upstream()));
    try {
      const bucket = `copies-${randomBytes(6).toString('hex')}`;
      await adapter.createBucket({ bucket, owner: OWNER });
      const put = (key: string, text: string) =>
        adapter.putObject({ bucket, key, body: Buffer.from(text), size_bytes: text.length });
      const source = await put('source', 'copied');
      const copy = () =>
        adapter.copyObject({
          source: { bucket, key: 'source' },
          bucket,
          key: 'target',
          replace_attributes: false,
          replace_tags: false,
        });
      for (let round = 0; round < ROUNDS; round++) {
        await put('target', `before ${round}`);
        await copy();
        expect((await adapter.headObject({ bucket, key: 'target' })).info.etag).toBe(source.etag);
        await adapter.deleteObject({ bucket, key: 'target' });
        await copy();
        expect((await adapter.headObject({ bucket, key: 'target' })).info.etag).toBe(source.etag);
      }
    } finally {
      await adapter.close();
    }
  }, 120_000);
});

/** Neither server knows conditions on the target of a copy, so the adapter has to go another way. */
function listsCopies(provider: 'minio' | 'versitygw', upstream: () => Upstream): void {
  const encryption = {
    current: 'one',
    keys: new Map([['one', randomBytes(32)]]),
    records_bucket: 'backup-node-parts',
  };
  const compression = (folder: string) => {
    const spool = { folder, bytes_max: 100_000_000 };
    return { level: 1, spool, records_bucket: 'backup-node-gzip-parts' };
  };
  const DECORATORS: Readonly<Record<string, (folder: string) => DecoratorOptions>> = {
    encryption: () => ({ encryption }),
    compression: (folder) => ({ compression: compression(folder) }),
    'compression and encryption': (folder) => ({ compression: compression(folder), encryption }),
  };
  const key = 'target';
  /** More than what goes through the node of itself, compressed too. */
  const content = hexTextOf(1, 20 * MIB + 1);

  test.each(Object.entries(DECORATORS))(
    `%s over ${provider}: a node that knows nothing lists the size of a copy on a condition`,
    async (_name, decorators) => {
      const folder = await temporaryFolder('compat-copies');
      const node = () =>
        openAdapter({ ...entryOf('s3', provider, upstream()), decorators: decorators(folder) });
      const nodes = [await node(), await node()] as const;
      try {
        const bucket = `copies-${randomBytes(6).toString('hex')}`;
        await nodes[0].createBucket({ bucket, owner: OWNER });
        const source = { bucket, key: 'source' };
        await nodes[0].putObject({ ...source, body: content, size_bytes: content.length });
        const asked = { source, bucket, key, replace_attributes: false, replace_tags: false };
        const { info } = await nodes[0].copyObject({ ...asked, condition: { if_none_match: '*' } });
        expect(info.size_bytes).toBe(content.length);
        expect(await listedBytes(nodes[1], bucket)).toBe(content.length);
        await nodes[0].copyObject({ ...asked, condition: { if_match: info.etag } });
        expect(await listedBytes(nodes[1], bucket)).toBe(content.length);
        const { body } = await nodes[1].getObject({ bucket, key });
        expect((await readAll(body)).equals(content)).toBe(true);
      } finally {
        for (const adapter of nodes) await adapter.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
  );

  async function listedBytes(adapter: Adapter, bucket: string): Promise<number | undefined> {
    const { entries } = await adapter.listObjects({ bucket, prefix: key, limit: 1 });
    const [entry] = entries;
    return entry?.type === 'item' ? entry.item.size_bytes : undefined;
  }
}

describeUpstream('minio', startMinioUpstream, (upstream) => listsCopies('minio', upstream));
describeUpstream('versitygw', startVersitygw, (upstream) => listsCopies('versitygw', upstream));
