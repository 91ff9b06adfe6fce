import { LIMITS } from '../../../config/limits.js';
import { children, childText } from '../../../src/wire/xml.js';
import {
  type Answer,
  beginUpload,
  completeRequest,
  documentOf,
  ensure,
  etagOf,
  headerOf,
  type NamedPart,
  partRequest,
  type UploadName,
} from './calls.js';
import { expectContent, expectRefusal, type Probing, put } from './probing.js';

const BIG_PART = Buffer.alloc(LIMITS.part_bytes_min, 'part');

export async function probeUploads(probing: Probing): Promise<void> {
  const multipart = await probing.observe('multipart', () => wholeUpload(probing));
  if (multipart !== true) return;
  // Smaller ones are refused by the adapter, as S3 does, whatever the server would take.
  probing.note('part_bytes_min', { observed: BIG_PART.length });
  await probing.observe('parts_max', () => highestPart(probing));
  await probing.observe('habits.lists_uploads', () => listsUploads(probing));
  await probing.observe('habits.copy_part_bytes_min', () => smallestCopy(probing));
  await probing.observeDeparture('deviations.no_empty_parts', async () => {
    const upload = await beginUpload(probing.calls, probing.bucket, 'empty-part');
    await complete(probing, upload, [await uploadPart(probing, upload, 1, Buffer.alloc(0))]);
    await expectContent(probing, probing.bucket, 'empty-part', '');
  });
  await probing.observeDeparture('deviations.late_aborts_succeed', async () => {
    const upload = await beginUpload(probing.calls, probing.bucket, 'late-abort');
    await complete(probing, upload, [await uploadPart(probing, upload, 1, Buffer.from('x'))]);
    await expectRefusal(probing, abortRequest(upload), 'an abort of an upload that is completed');
  });
  await probing.observeDeparture('deviations.newer_writes_end_uploads', () => newerWrite(probing));
  await probing.observeDeparture('deviations.late_parts_revive_uploads', () => latePart(probing));
}

async function uploadPart(
  { calls }: Probing,
  upload: UploadName,
  part_number: number,
  body: Uint8Array,
): Promise<NamedPart> {
  const answer = await calls.must(partRequest(upload, part_number, body));
  return { part_number, etag: etagOf(answer) };
}

async function complete(
  { calls }: Probing,
  upload: UploadName,
  parts: readonly NamedPart[],
): Promise<Answer> {
  return calls.must(completeRequest(upload, parts));
}

const abortRequest = ({ bucket, key, upload_id }: UploadName) =>
  ({ method: 'DELETE', bucket, key, query: { uploadId: upload_id } }) as const;

/** Numbers of the parts that are listed; null where there is no such upload. */
async function listedParts(
  { calls }: Probing,
  { bucket, key, upload_id }: UploadName,
): Promise<string[] | null> {
  const answer = await calls.send({ method: 'GET', bucket, key, query: { uploadId: upload_id } });
  if (!answer.ok) return null;
  const parts = children(documentOf(answer, 'ListPartsResult'), 'Part');
  return parts.map((part) => childText(part, 'PartNumber') ?? '');
}

async function wholeUpload(probing: Probing): Promise<boolean> {
  const { bucket, calls } = probing;
  const key = 'multipart';
  const upload = await beginUpload(calls, bucket, key);
  const first = await uploadPart(probing, upload, 1, BIG_PART);
  const second = await uploadPart(probing, upload, 2, Buffer.from('end'));
  ensure((await listedParts(probing, upload))?.join() === '1,2', 'the parts are not listed');
  await expectContent(probing, bucket, key, null);
  await complete(probing, upload, [first, second]);
  const head = await calls.must({ method: 'HEAD', bucket, key });
  ensure(headerOf(head, 'content-length') === String(BIG_PART.length + 3), 'the object is not its parts');
  ensure(etagOf(head).endsWith('-2'), 'the ETag does not tell the number of parts');
  const aborted = await beginUpload(calls, bucket, 'aborted');
  await uploadPart(probing, aborted, 1, Buffer.from('x'));
  await calls.must(abortRequest(aborted));
  ensure((await listedParts(probing, aborted)) === null, 'an aborted upload is still there');
  return true;
}

async function highestPart(probing: Probing): Promise<number> {
  const upload = await beginUpload(probing.calls, probing.bucket, 'high-part');
  await complete(probing, upload, [await uploadPart(probing, upload, LIMITS.parts_max, Buffer.from('x'))]);
  return LIMITS.parts_max;
}

async function listsUploads(probing: Probing): Promise<boolean> {
  const { bucket, calls } = probing;
  const keys = ['listed/a', 'listed/b'];
  for (const key of keys) await beginUpload(calls, bucket, key);
  const answer = await calls.must({ method: 'GET', bucket, query: { uploads: '', prefix: 'listed/' } });
  const uploads = children(documentOf(answer, 'ListMultipartUploadsResult'), 'Upload');
  const found = uploads.map((upload) => childText(upload, 'Key'));
  ensure(found.sort().join() === keys.join(), 'ListMultipartUploads does not show all under a prefix');
  return true;
}

async function smallestCopy(probing: Probing): Promise<number> {
  const { bucket, calls } = probing;
  await put(probing, bucket, 'small-source', 'x');
  const copyOf = async (key: string, name: string) => {
    const upload = await beginUpload(calls, bucket, name);
    return calls.send(partRequest(upload, 1, undefined, { 'x-amz-copy-source': `/${bucket}/${key}` }));
  };
  if ((await copyOf('small-source', 'small-copy')).ok) return 0;
  // It was made by wholeUpload.
  const large = await copyOf('multipart', 'large-copy');
  ensure(large.ok, `UploadPartCopy was refused: ${large.refusal}`);
  return LIMITS.part_bytes_min;
}

async function newerWrite(probing: Probing): Promise<void> {
  const { bucket, calls } = probing;
  const key = 'newer-write';
  const upload = await beginUpload(calls, bucket, key);
  const part = await uploadPart(probing, upload, 1, Buffer.from('upload'));
  await put(probing, bucket, key, 'newer');
  await complete(probing, upload, [part]);
  await expectContent(probing, bucket, key, 'upload');
}

/** The upload is aborted between two halves of a part. Whether the server has begun to take it in is up to the server. */
async function latePart(probing: Probing): Promise<void> {
  const upload = await beginUpload(probing.calls, probing.bucket, 'late-part');
  await uploadPart(probing, upload, 1, Buffer.from('x'));
  const half = Buffer.alloc(LIMITS.upstream_frame_bytes, 'half');
  let half_sent: () => void = () => undefined;
  const first_half = new Promise<void>((resolve) => {
    half_sent = resolve;
  });
  let resume: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    resume = resolve;
  });
  async function* halves(): AsyncGenerator<Uint8Array> {
    yield half;
    half_sent();
    await aborted;
    yield half;
  }
  const length = { 'content-length': String(half.length * 2) };
  // A server that ends the connection has not taken the part.
  const arriving = probing.calls.send(partRequest(upload, 2, halves(), length)).catch(() => undefined);
  await Promise.race([first_half, arriving]);
  await probing.calls.must(abortRequest(upload)).finally(resume);
  await arriving;
  ensure((await listedParts(probing, upload)) === null, 'a part that came late brought its upload back');
}
