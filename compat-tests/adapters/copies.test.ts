import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openAdapter } from '../../adapters/open.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startGarage } from '../support/garage.mjs';
import { entryOf } from './entries.js';

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
