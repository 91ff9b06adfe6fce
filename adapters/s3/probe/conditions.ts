import { isStoreError } from '../../contract/index.js';
import { beginUpload, completeRequest, ensure, etagOf, notSo, partRequest } from './calls.js';
import { expectContent, expectRefusal, type Probing, put } from './probing.js';

const RIVALS = 8;
const ROUNDS = 3;
const OTHER_ETAG = '"00000000000000000000000000000000"';

/** S3 User Guide, "How to prevent object overwrites with conditional writes". */
export async function probeConditions(probing: Probing): Promise<void> {
  await probing.observe('conditional_put', () => conditionalPut(probing));
  await probing.observe('habits.any_condition', () => anyCondition(probing));
  await probing.observe('habits.conditional_copy', () => conditionalCopy(probing));
  await probing.observe('conditional_delete', () => conditionalDelete(probing));
  await probing.observe('bucket_documents', () => bucketDocuments(probing));
}

/** As the adapter does it: small objects of a reserved bucket, of whose writers one wins. */
async function bucketDocuments({ scratch, recordsOf }: Probing): Promise<boolean> {
  const { bucket, answer } = await scratch.create('documents');
  ensure(answer.ok, `no bucket for documents can be made: ${answer.refusal}`);
  const records = recordsOf(bucket);
  const folder = 'documents/photos@1/';
  const path = `${folder}policy`;
  const expectDocument = async (content: string | null) => {
    const found = (await records.read(path))?.content ?? null;
    ensure(found === content, `the document is ${found ?? 'not there'}, not ${content ?? 'gone'}`);
  };
  const expectTooLate = async (if_etag: string | null, what: string) => {
    const outcome = await records.write(path, 'of the second', { if_etag }).then(
      () => 'written',
      (error: unknown) => error,
    );
    if (isStoreError(outcome, 'precondition_failed')) return;
    throw outcome === 'written' ? notSo(`${what} was overwritten`) : outcome;
  };
  await expectDocument(null);
  const first = await records.write(path, '{"one":1}', { if_etag: null });
  await expectDocument('{"one":1}');
  await expectTooLate(null, 'a document that another one had begun');
  await records.write(path, '{"two":2}', { if_etag: first });
  await expectTooLate(first, 'a document that another one had changed');
  await expectDocument('{"two":2}');
  ensure((await records.list(folder)).join() === 'policy', 'a document is not listed');
  await records.remove(path);
  await expectDocument(null);
  return true;
}

async function conditionalPut(probing: Probing): Promise<boolean> {
  const { bucket, calls } = probing;
  const key = 'conditional-put';
  const write = (headers: Record<string, string>, name = key) =>
    ({ method: 'PUT', bucket, key: name, headers, body: Buffer.from('two') }) as const;
  const etag = etagOf(await put(probing, bucket, key, 'one'));
  await expectRefusal(probing, write({ 'if-none-match': '*' }), 'If-None-Match of what is there');
  await expectRefusal(probing, write({ 'if-match': OTHER_ETAG }), 'If-Match of another ETag');
  await expectRefusal(probing, write({ 'if-match': OTHER_ETAG }, 'absent'), 'If-Match of nothing');
  await expectContent(probing, bucket, key, 'one');
  await calls.must(write({ 'if-match': `"${etag}"` }));
  await expectContent(probing, bucket, key, 'two');
  for (let round = 0; round < ROUNDS; round++) await race(probing, `race-${round}`);
  await conditionalComplete(probing, key);
  return true;
}

/** Of many that want to be first, one is. */
async function race({ bucket, calls }: Probing, key: string): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: RIVALS }, (_, rival) =>
      calls.send({
        method: 'PUT',
        bucket,
        key,
        headers: { 'if-none-match': '*' },
        body: Buffer.from(`rival ${rival}`),
      }),
    ),
  );
  const winners = answers.filter(({ ok }) => ok).length;
  ensure(winners === 1, `${winners} of ${RIVALS} writers at a time were the first one`);
}

async function conditionalComplete(probing: Probing, key: string): Promise<void> {
  const { bucket, calls } = probing;
  const upload = await beginUpload(calls, bucket, key);
  const etag = etagOf(await calls.must(partRequest(upload, 1, Buffer.from('part'))));
  const complete = completeRequest(upload, [{ part_number: 1, etag }], { 'if-none-match': '*' });
  await expectRefusal(probing, complete, 'If-None-Match of what is there, completing an upload,');
  await expectContent(probing, bucket, key, 'two');
}

async function anyCondition(probing: Probing): Promise<boolean> {
  const { bucket, calls } = probing;
  const key = 'any-condition';
  const write = (headers: Record<string, string>, name = key) =>
    ({ method: 'PUT', bucket, key: name, headers, body: Buffer.from('one') }) as const;
  const etag = etagOf(await put(probing, bucket, key, 'one'));
  await expectRefusal(probing, write({ 'if-none-match': `"${etag}"` }), 'If-None-Match of its ETag');
  await expectRefusal(probing, write({ 'if-match': '*' }, 'absent'), 'If-Match * of nothing');
  await calls.must(write({ 'if-none-match': OTHER_ETAG }));
  await calls.must(write({ 'if-match': '*' }));
  return true;
}

async function conditionalCopy(probing: Probing): Promise<boolean> {
  const { bucket, calls } = probing;
  const [from, to] = ['copy-source', 'copy-target'];
  await put(probing, bucket, from, 'source');
  const etag = etagOf(await put(probing, bucket, to, 'target'));
  const copy = (condition: Record<string, string>) =>
    ({
      method: 'PUT',
      bucket,
      key: to,
      headers: { 'x-amz-copy-source': `/${bucket}/${from}`, ...condition },
    }) as const;
  await expectRefusal(probing, copy({ 'if-none-match': '*' }), 'If-None-Match of what is there');
  await expectRefusal(probing, copy({ 'if-match': OTHER_ETAG }), 'If-Match of another ETag');
  await expectContent(probing, bucket, to, 'target');
  await calls.must(copy({ 'if-match': `"${etag}"` }));
  await expectContent(probing, bucket, to, 'source');
  return true;
}

async function conditionalDelete(probing: Probing): Promise<boolean> {
  const { bucket, calls } = probing;
  const key = 'conditional-delete';
  const etag = etagOf(await put(probing, bucket, key, 'one'));
  const remove = (if_match: string) =>
    ({ method: 'DELETE', bucket, key, headers: { 'if-match': if_match } }) as const;
  await expectRefusal(probing, remove(OTHER_ETAG), 'If-Match of another ETag');
  await expectContent(probing, bucket, key, 'one');
  await calls.must(remove(`"${etag}"`));
  await expectContent(probing, bucket, key, null);
  return true;
}
