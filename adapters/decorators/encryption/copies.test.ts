import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { bytesOf, readAll } from '../../conformance/support/bytes.js';
import { OWNER } from '../../conformance/support/harness.js';
import type { Adapter, CopyObjectInput, CopyObjectResult } from '../../contract/index.js';
import { forwarding } from '../../forwarding.js';
import { openInFreshFolder } from '../../local/testing/open-in-fresh-folder.js';
import { encrypt } from './encrypt.js';

const bucket = 'bucket';

it('a copy on a condition is listed with its size by a node that knows nothing of it', async () => {
  const { adapter, close } = await openInFreshFolder();
  const ring = { current: 'one', keys: new Map([['one', randomBytes(32)]]), records_bucket: 'records' };
  const node = () => encrypt(copyingInParts(adapter), ring);
  try {
    await adapter.createBucket({ bucket, owner: OWNER });
    const content = bytesOf(1, 100_000);
    await node().putObject({ bucket, key: 'source', body: content, size_bytes: content.length });
    await node().copyObject({
      source: { bucket, key: 'source' },
      bucket,
      key: 'target',
      replace_attributes: false,
      replace_tags: false,
      condition: { if_none_match: '*' },
    });
    const { entries } = await node().listObjects({ bucket, prefix: 'target', limit: 1 });
    expect(entries).toMatchObject([{ type: 'item', item: { key: 'target', size_bytes: content.length } }]);
    const { body } = await node().getObject({ bucket, key: 'target' });
    expect((await readAll(body)).equals(content)).toBe(true);
  } finally {
    await close();
  }
});

/** As the S3 adapter does it where an upstream knows conditions on the completion of uploads, and not on copies. */
function copyingInParts(upstream: Adapter): Adapter {
  const copyInParts = async (input: CopyObjectInput): Promise<CopyObjectResult> => {
    const { bucket, key, source, attributes, condition } = input;
    const { upload_id } = await upstream.createUpload({ bucket, key, ...(attributes && { attributes }) });
    const upload = { bucket, key, upload_id };
    const { etag, source_version_id } = await upstream.copyPart({ ...upload, part_number: 1, source });
    const parts = [{ part_number: 1, etag }];
    const info = await upstream.completeUpload({ ...upload, parts, ...(condition && { condition }) });
    return { info, source_version_id };
  };
  return {
    ...forwarding(upstream),
    listObjects: async (input) => {
      const { entries, next } = await upstream.listObjects(input);
      const bare = entries.map((entry) =>
        entry.type === 'item' ? { ...entry, item: { ...entry.item, system: {} } } : entry,
      );
      return { entries: bare, next };
    },
    copyObject: (input) =>
      input.condition !== undefined && input.one_piece !== true
        ? copyInParts(input)
        : upstream.copyObject(input),
  };
}
