import { createHash } from 'node:crypto';
import { ensure, headerOf, xmlBody } from './calls.js';
import { expectRefusal, type Probing, put } from './probing.js';

/** Object Lock in a bucket of its own. Only GOVERNANCE, which the clean-up may bypass, and for seconds. */
export async function probeLocks(probing: Probing): Promise<void> {
  await probing.observe('object_lock', async () => {
    // What is locked is a version.
    ensure(probing.seen.get('versioning')?.observed === true, 'there are no versions');
    const { bucket, answer } = await probing.scratch.create('locks', {
      'x-amz-bucket-object-lock-enabled': 'true',
    });
    ensure(answer.ok, answer.refusal);
    await retention(probing, bucket);
    await legalHold(probing, bucket);
    return true;
  });
}

async function retention(probing: Probing, bucket: string): Promise<void> {
  const { calls, scratch } = probing;
  const key = 'retained';
  const until = new Date(scratch.lockUntil()).toISOString();
  const written = await put(probing, bucket, key, 'x', {
    // AWS wants a digest with every lock.
    'content-md5': createHash('md5').update('x').digest('base64'),
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': until,
  });
  const versionId = headerOf(written, 'x-amz-version-id');
  const head = await calls.must({ method: 'HEAD', bucket, key });
  ensure(headerOf(head, 'x-amz-object-lock-mode') === 'GOVERNANCE', 'retention is not shown');
  const remove = { method: 'DELETE', bucket, key, query: { versionId } } as const;
  await expectRefusal(probing, remove, 'a delete of a retained version');
  await calls.must({ ...remove, headers: { 'x-amz-bypass-governance-retention': 'true' } });
}

async function legalHold(probing: Probing, bucket: string): Promise<void> {
  const { calls } = probing;
  const key = 'held';
  const written = await put(probing, bucket, key, 'x');
  const versionId = headerOf(written, 'x-amz-version-id');
  const hold = (status: string) =>
    calls.must({
      method: 'PUT',
      bucket,
      key,
      query: { 'legal-hold': '', versionId },
      ...xmlBody(
        `<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>${status}</Status></LegalHold>`,
      ),
    });
  const remove = { method: 'DELETE', bucket, key, query: { versionId } } as const;
  await hold('ON');
  try {
    await expectRefusal(probing, remove, 'a delete of a version under legal hold');
  } finally {
    await hold('OFF');
  }
  await calls.must(remove);
}

export async function probeTags(probing: Probing): Promise<void> {
  const { bucket, calls } = probing;
  const key = 'tagged';
  const request = { bucket, key, query: { tagging: '' } };
  const tagging = (value: string) =>
    xmlBody(
      `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>name</Key><Value>${value}</Value></Tag></TagSet></Tagging>`,
    );
  const has = async (value: string) =>
    (await calls.must({ ...request, method: 'GET' })).text.includes(`<Value>${value}</Value>`);
  const tags = await probing.observe('tagging', async () => {
    await put(probing, bucket, key, 'x', { 'x-amz-tagging': 'name=first' });
    ensure(await has('first'), 'the tags of a put are not kept');
    const head = await calls.must({ method: 'HEAD', bucket, key });
    ensure(headerOf(head, 'x-amz-tagging-count') === '1', 'the number of tags is not told');
    await calls.must({ ...request, method: 'PUT', ...tagging('second') });
    ensure(await has('second'), 'tags cannot be changed');
    await calls.must({ ...request, method: 'DELETE' });
    ensure(!(await has('second')), 'tags cannot be removed');
    return true;
  });
  if (tags !== true) return;
  await probing.observeDeparture('deviations.ascii_tags', async () => {
    await calls.must({ ...request, method: 'PUT', ...tagging('ü') });
    ensure(await has('ü'), 'a tag of other letters is changed');
  });
}
