import { expect, it } from 'vitest';
import { openS3Adapter } from '../open-s3-adapter.js';
import type { S3AdapterOptions } from '../options.js';
import { overUpstream } from '../testing/bad-upstream.js';
import { createSmallUpstream, type SmallUpstream } from '../testing/small-upstream.js';
import type { ProbeLine } from './compare.js';
import { probeUpstream } from './probe.js';

/** It has no uploads, so not all that `conditional_put` stands for; documents need less. */
async function lineOf(name: string, upstream: SmallUpstream): Promise<ProbeLine | undefined> {
  let given: S3AdapterOptions | undefined;
  const open = (options: S3AdapterOptions) => {
    given = options;
    return openS3Adapter(options);
  };
  let lines: readonly ProbeLine[] = [];
  const work = async () => {
    if (given !== undefined) ({ lines } = await probeUpstream(given, { bucket_prefix: 'probe' }));
  };
  await overUpstream(upstream.handler, work, {}, open);
  expect([...upstream.buckets.keys()]).toEqual([]);
  return lines.find((line) => line.name === name);
}

it('documents of buckets are tried, whatever else conditions do', async () => {
  const upstream = createSmallUpstream();
  expect(await lineOf('bucket_documents', upstream)).toMatchObject({ observed: true, verdict: 'ok' });
});

it('documents that cannot be read back are seen to be missing', async () => {
  const upstream = createSmallUpstream();
  upstream.before = (request) => (/^GET .*documents\/.*policy$/.test(request) ? 404 : null);
  const line = await lineOf('bucket_documents', upstream);
  expect(line).toMatchObject({ observed: false, verdict: 'broken' });
  expect(line?.note).toContain('the document is not there');
});
