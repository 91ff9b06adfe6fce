import { makeBytes, makeContent, PART_BYTES_MIN, randomContent, sha256 } from './content.mjs';
import { acknowledge, begin, createKeyHistory, note } from './history.mjs';
import { completeUpload, createUpload, getObject } from './s3-calls.mjs';
import { elementsOf, RefusedError, textOf } from './s3-client.mjs';
import { record } from './session.mjs';
import { removeShard, SHARD_BUCKET, storeShard } from './shards.mjs';

/**
 * @typedef {import('./history.mjs').KeyHistory} KeyHistory
 * @typedef {import('./history.mjs').UploadHistory} UploadHistory
 * @typedef {import('./history.mjs').SharedHistory} SharedHistory
 * @typedef {import('./session.mjs').Session} Session
 * @typedef {import('./session.mjs').Writer} Writer
 */

const UPLOADS_OPEN_MAX = 4;

/** What a writer does, and how often. @type {readonly (readonly [number, (writer: Writer, session: Session) => Promise<void>])[]} */
const STEPS = [
  [38, put],
  [9, copy],
  [12, remove],
  [9, removeVersion],
  [5, removeBatch],
  [6, beginUpload],
  [12, sendPart],
  [8, complete],
  [2, abort],
  [6, putShared],
  [6, readBack],
  [6, storeShard],
  [3, removeShard],
];
const WEIGHTS = STEPS.reduce((sum, [weight]) => sum + weight, 0);

/**
 * @param {string} name @param {readonly { bucket: string, versioned: boolean }[]} buckets @param {number} keys_each
 * @returns {Writer}
 */
export function createWriter(name, buckets, keys_each) {
  const keys = buckets.flatMap(({ bucket, versioned }) =>
    Array.from({ length: keys_each }, (_, n) => createKeyHistory(bucket, `${name}/key ${n}`, versioned)),
  );
  const shards = Array.from({ length: keys_each }, (_, n) =>
    createKeyHistory(SHARD_BUCKET, `${name}/shard ${n}`, false),
  );
  return { keys, shards, uploads: [] };
}

/**
 * Writes until the node dies. Rejects when the node answers wrongly or is lost without having been killed.
 * @param {Writer} writer @param {Session} session
 */
export async function work(writer, session) {
  while (!session.over()) {
    try {
      await step(writer, session);
    } catch (error) {
      if (error instanceof RefusedError && session.may_refuse(error)) continue;
      if (session.over()) return;
      throw error;
    }
  }
}

/** @param {Writer} writer @param {Session} session */
async function step(writer, session) {
  let dice = session.random.integer(0, WEIGHTS - 1);
  for (const [weight, run] of STEPS) {
    dice -= weight;
    if (dice < 0) return run(writer, session);
  }
}

/** @param {import('./s3-client.mjs').Answer} answer */
function versionOf(answer) {
  const version_id = answer.headers['x-amz-version-id'];
  return typeof version_id === 'string' ? version_id : '';
}

/** @param {Writer} writer @param {Session} session @returns {KeyHistory} */
function anyKey(writer, { random }) {
  const history = random.pick(writer.keys);
  if (history === undefined) throw new Error('a writer without keys');
  return history;
}

/** @param {Writer} writer @param {Session} session */
async function put(writer, session) {
  const history = anyKey(writer, session);
  const { bucket, key } = history;
  const { content, body } = randomContent(session.random);
  await record(history, session, 'put', { kind: 'put', content }, async () =>
    versionOf(await session.s3.ask({ method: 'PUT', bucket, key, body, sha256: content.sha256 })),
  );
}

/** @param {Writer} writer @param {Session} session */
async function copy(writer, session) {
  const source = anyKey(writer, session);
  const history = anyKey(writer, session);
  const content = source.versions[0]?.content;
  if (!content || source === history) return;
  const { bucket, key } = history;
  const headers = { 'x-amz-copy-source': encodeURI(`/${source.bucket}/${source.key}`) };
  await record(history, session, 'copy', { kind: 'put', content }, async () =>
    versionOf(await session.s3.ask({ method: 'PUT', bucket, key, headers })),
  );
}

/** @param {Writer} writer @param {Session} session */
async function remove(writer, session) {
  const history = anyKey(writer, session);
  const { bucket, key } = history;
  await record(history, session, 'delete', { kind: 'delete' }, async () =>
    versionOf(await session.s3.ask({ method: 'DELETE', bucket, key })),
  );
}

/** @param {Writer} writer @param {Session} session */
async function removeVersion(writer, session) {
  const history = anyKey(writer, session);
  const version = session.random.pick(history.versions);
  if (version === undefined || !history.versioned) return;
  const { bucket, key } = history;
  const { version_id } = version;
  await record(history, session, 'delete_version', { kind: 'delete_version', version_id }, async () => {
    await session.s3.ask({ method: 'DELETE', bucket, key, query: { versionId: version_id } });
    return version_id;
  });
}

/** @param {Writer} writer @param {Session} session */
async function removeBatch(writer, session) {
  const { bucket } = anyKey(writer, session);
  const chosen = writer.keys.filter((history) => history.bucket === bucket && session.random.chance(0.4));
  if (chosen.length === 0) return;
  for (const history of chosen) begin(history, { kind: 'delete' }, 'delete_batch');
  const objects = chosen.map(({ key }) => `<Object><Key>${key}</Key></Object>`).join('');
  const body = `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects}</Delete>`;
  session.sending('delete_batch');
  const headers = {
    'x-amz-checksum-sha256': Buffer.from(sha256(Buffer.from(body)), 'hex').toString('base64'),
  };
  const call = { method: 'POST', bucket, query: { delete: '' }, headers, body };
  const answer = await session.s3.ask(call);
  const deleted = elementsOf(answer.body.toString(), 'Deleted');
  for (const history of chosen) {
    const entry = deleted.find((text) => textOf(text, 'Key') === history.key);
    if (entry !== undefined) acknowledge(history, textOf(entry, 'DeleteMarkerVersionId') ?? '');
  }
  // What is not among the deleted has an error of its own inside the 200, and may be done or not.
  if (deleted.length < chosen.length) throw new RefusedError(call, { ...answer, status: 503 });
}

/** @param {Writer} writer @param {Session} session */
async function beginUpload(writer, session) {
  if (writer.uploads.length >= UPLOADS_OPEN_MAX) return;
  const target = anyKey(writer, session);
  session.sending('create_upload');
  const name = await createUpload(session.s3, target.bucket, target.key);
  writer.uploads.push({ name, target, parts: new Map(), pending: null, ended: false });
  note(target, `upload ${name.upload_id} began`);
}

/** Uploads are of one small part, or of a large first part and a small second one. @param {Writer} writer @param {Session} session */
async function sendPart(writer, session) {
  const { random, s3 } = session;
  const upload = random.pick(writer.uploads);
  if (upload === undefined) return;
  const first = upload.parts.get(1)?.content;
  const number = first !== undefined && first.size_bytes >= PART_BYTES_MIN ? random.integer(1, 2) : 1;
  const large =
    number === 1 && (first === undefined ? random.chance(0.15) : first.size_bytes >= PART_BYTES_MIN);
  const size_bytes = large ? PART_BYTES_MIN + random.integer(0, 9) : random.integer(0, 150_000);
  const { content, body } = makeContent(random.integer(1_000, 1_000_000_000), size_bytes);
  const { bucket, key, upload_id } = upload.name;
  upload.pending = { kind: 'part', number, content };
  session.sending('part');
  try {
    const query = { partNumber: String(number), uploadId: upload_id };
    const answer = await s3.ask({ method: 'PUT', bucket, key, query, body, sha256: content.sha256 });
    upload.parts.set(number, { content, etag: answer.headers.etag ?? '' });
  } catch (error) {
    if (!(error instanceof RefusedError && session.may_refuse(error))) throw error;
  }
  upload.pending = null;
}

/** @param {UploadHistory} upload @returns {import('./content.mjs').Content} what the object of all parts holds */
export function assembled(upload) {
  const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, { content }]) => content);
  const whole = Buffer.concat(parts.map(({ seed, size_bytes }) => makeBytes(seed, size_bytes)));
  return { seed: 0, size_bytes: whole.length, sha256: sha256(whole) };
}

/**
 * Completes an upload; the answer of a repeated call must be that of the first.
 * @param {UploadHistory} upload @param {import('./s3-client.mjs').S3Client} s3
 * @returns {Promise<string>} the version id
 */
export async function finish({ name, parts, target }, s3) {
  const etags = new Map([...parts].map(([number, { etag }]) => [number, etag]));
  const version_id = versionOf(await completeUpload(s3, name, etags));
  if (version_id !== '' || !target.versioned) return version_id;
  const { bucket, key } = target;
  return versionOf(await s3.ask({ method: 'HEAD', bucket, key }));
}

/** @param {Writer} writer @param {Session} session */
async function complete(writer, session) {
  const upload = session.random.pick(writer.uploads.filter(({ parts }) => parts.size > 0));
  if (upload === undefined) return;
  const content = assembled(upload);
  upload.pending = { kind: 'complete' };
  try {
    await record(upload.target, session, 'complete', { kind: 'put', content }, () =>
      finish(upload, session.s3),
    );
  } catch (error) {
    if (error instanceof RefusedError && session.may_refuse(error)) upload.pending = null;
    throw error;
  }
  end(writer, upload);
}

/** @param {Writer} writer @param {Session} session */
async function abort(writer, session) {
  const upload = session.random.pick(writer.uploads);
  if (upload === undefined) return;
  upload.pending = { kind: 'abort' };
  session.sending('abort');
  const { bucket, key, upload_id } = upload.name;
  await session.s3.ask({ method: 'DELETE', bucket, key, query: { uploadId: upload_id } });
  end(writer, upload);
}

/** @param {Writer} writer @param {UploadHistory} upload */
export function end(writer, upload) {
  upload.pending = null;
  upload.ended = true;
  writer.uploads = writer.uploads.filter((other) => other !== upload);
}

/** @param {Writer} _writer @param {Session} session */
async function putShared(_writer, session) {
  const history = session.random.pick(session.shared);
  if (history === undefined) return;
  const { bucket, key } = history;
  const { content, body } = randomContent(session.random);
  /** @type {SharedHistory['writes'][number]} */
  const write = { content, began_ms: performance.now(), ended_ms: null };
  history.writes.push(write);
  session.sending('put_shared');
  try {
    await session.s3.ask({ method: 'PUT', bucket, key, body, sha256: content.sha256 });
    write.ended_ms = performance.now();
  } catch (error) {
    if (error instanceof RefusedError && session.may_refuse(error)) {
      history.writes.splice(history.writes.indexOf(write), 1);
    }
    throw error;
  }
}

/** A client reads its own writes. @param {Writer} writer @param {Session} session */
async function readBack(writer, session) {
  const history = anyKey(writer, session);
  const expected = history.versions[0]?.content ?? null;
  const body = await getObject(session.s3, history);
  const found = body === null ? null : sha256(body);
  if (found === (expected?.sha256 ?? null)) return;
  throw new Error(
    `${history.bucket}/${history.key} reads ${found}, not ${expected?.sha256}\n${history.log.join('\n')}`,
  );
}
