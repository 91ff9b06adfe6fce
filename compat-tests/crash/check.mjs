import { sha256 } from './content.mjs';
import { applied, note, possibleContents } from './history.mjs';
import { getObject, listKeys, listParts, listVersions } from './s3-calls.mjs';
import { assembled, end, finish } from './workload.mjs';

/**
 * @typedef {import('./s3-client.mjs').S3Client} S3Client
 * @typedef {import('./s3-calls.mjs').ListedVersion} ListedVersion
 * @typedef {import('./history.mjs').KeyHistory} KeyHistory
 * @typedef {import('./history.mjs').UploadHistory} UploadHistory
 * @typedef {import('./history.mjs').Version} Version
 * @typedef {import('./session.mjs').Writer} Writer
 *
 * @typedef {object} World
 * @property {readonly string[]} buckets
 * @property {readonly Writer[]} writers
 * @property {readonly import('./history.mjs').SharedHistory[]} shared
 *
 * @typedef {object} Findings what the checks of one restart saw
 * @property {number} versions compared with what was acknowledged
 * @property {number} bodies_read
 * @property {number} in_flight_done in flight when the node died, and done
 * @property {number} in_flight_not_done
 */

const READERS = 8;
/** Old versions that are read again at each check; the last check reads all. */
const OLD_VERSIONS_READ = 2;

/** What was acknowledged is not what is there. */
export class LostError extends Error {
  /** @param {KeyHistory} history @param {string} what */
  constructor(history, what) {
    super(`${history.bucket}/${history.key}: ${what}\nhistory of the key:\n  ${history.log.join('\n  ')}`);
    this.name = 'LostError';
  }
}

/** @returns {Findings} */
export function noFindings() {
  return { versions: 0, bodies_read: 0, in_flight_done: 0, in_flight_not_done: 0 };
}

/**
 * Compares everything with what was acknowledged, settles what was in flight, and leaves histories without pending
 * writes. Rejects with LostError.
 * @param {S3Client} s3 @param {World} world
 * @param {{ random: import('./random.mjs').Random, read_all: boolean, findings: Findings, complete_uploads?: boolean }} how
 *   without `complete_uploads` uploads are looked at only
 */
export async function checkWorld(s3, world, how) {
  const listed = new Map(
    await Promise.all(
      world.buckets.map(async (bucket) => /** @type {const} */ ([bucket, await listVersions(s3, bucket)])),
    ),
  );
  const histories = historiesOf(world);
  await inParallel(histories, async (history) => {
    const versions = listed.get(history.bucket)?.filter(({ key }) => key === history.key) ?? [];
    await checkKey(s3, history, versions, how);
  });
  for (const bucket of world.buckets) await checkListing(s3, world, bucket);
  await inParallel(world.shared, (history) => checkShared(s3, history));
  await inParallel(world.writers, async (writer) => {
    // One after the other: two uploads may have the same target.
    for (const upload of [...writer.uploads]) await checkUpload(s3, writer, upload, how);
  });
}

/** @param {World} world */
function historiesOf(world) {
  return world.writers.flatMap((writer) => [...writer.keys, ...writer.shards]);
}

/** @template T @param {readonly T[]} items @param {(item: T) => Promise<void>} run */
async function inParallel(items, run) {
  const queue = [...items];
  const lanes = Array.from({ length: READERS }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  });
  await Promise.all(lanes);
}

/**
 * @param {S3Client} s3 @param {KeyHistory} history @param {readonly ListedVersion[]} listed
 * @param {{ random: import('./random.mjs').Random, read_all: boolean, findings: Findings }} how
 */
async function checkKey(s3, history, listed, { random, read_all, findings }) {
  const { pending } = history;
  const versions = await settle(s3, history, listed);
  if (versions === null) {
    const expected = history.versions.map(
      (version) => `${version.version_id} ${version.content?.size_bytes}`,
    );
    const found = listed.map((version) => `${version.version_id} ${version.size_bytes}`);
    const flight = pending === null ? 'nothing' : JSON.stringify(pending);
    throw new LostError(
      history,
      `versions are [${found.join(', ')}], not [${expected.join(', ')}]; in flight: ${flight}`,
    );
  }
  if (pending !== null) {
    const done = versions !== history.versions;
    findings[done ? 'in_flight_done' : 'in_flight_not_done'] += 1;
    note(history, `after the restart: ${done ? 'done' : 'not done'}`);
  }
  history.versions = versions;
  history.pending = null;
  findings.versions += versions.length;
  const old = versions.filter(({ version_id }) => !history.unread.has(version_id));
  const again = read_all ? old : Array.from({ length: OLD_VERSIONS_READ }, () => random.pick(old));
  const fresh = versions.filter(({ version_id }) => history.unread.has(version_id));
  for (const version of [...fresh, ...again]) if (version) await checkVersion(s3, history, version, findings);
  await checkLatest(s3, history, findings);
  history.unread.clear();
}

/**
 * The versions that are there: those acknowledged, or those with the write that was in flight. Null for anything else.
 * @param {S3Client} s3 @param {KeyHistory} history @param {readonly ListedVersion[]} listed
 * @returns {Promise<readonly Version[] & Version[] | null>}
 */
async function settle(s3, history, listed) {
  const { versions, pending, versioned } = history;
  const without = matches(listed, versions);
  if (pending === null) return without ? versions : null;
  const fresh_id = versioned && pending.kind !== 'delete_version' ? (listed[0]?.version_id ?? '') : 'null';
  const after = applied(history, pending, fresh_id);
  const known = versions.some(({ version_id }) => versioned && version_id === fresh_id);
  const with_it = !known && matches(listed, after);
  if (without && with_it && !versioned && pending.kind === 'put') {
    // The same size before and after: only the bytes tell.
    const body = await getObject(s3, history);
    return body !== null && sha256(body) === pending.content.sha256 ? after : versions;
  }
  if (without) return versions;
  return with_it ? after : null;
}

/** @param {readonly ListedVersion[]} listed @param {readonly Version[]} versions */
function matches(listed, versions) {
  return (
    listed.length === versions.length &&
    listed.every(({ version_id, delete_marker, is_latest, size_bytes }, index) => {
      const version = versions[index];
      return (
        version !== undefined &&
        version.version_id === version_id &&
        delete_marker === (version.content === null) &&
        is_latest === (index === 0) &&
        size_bytes === (version.content?.size_bytes ?? 0)
      );
    })
  );
}

/** @param {S3Client} s3 @param {KeyHistory} history @param {Version} version @param {Findings} findings */
async function checkVersion(s3, history, { version_id, content }, findings) {
  if (content === null) return;
  const { bucket, key } = history;
  const address = history.versioned ? { bucket, key, version_id } : { bucket, key };
  const body = await getObject(s3, address);
  findings.bodies_read += 1;
  if (body !== null && sha256(body) === content.sha256) return;
  const found = body === null ? 'gone' : `${body.length} bytes with SHA-256 ${sha256(body)}`;
  throw new LostError(history, `version ${version_id} of ${content.size_bytes} bytes is ${found}`);
}

/** @param {S3Client} s3 @param {KeyHistory} history @param {Findings} findings */
async function checkLatest(s3, history, findings) {
  const expected = history.versions[0]?.content ?? null;
  const body = await getObject(s3, { bucket: history.bucket, key: history.key });
  findings.bodies_read += 1;
  const found = body === null ? null : sha256(body);
  if (found === (expected?.sha256 ?? null)) return;
  throw new LostError(history, `reads ${found ?? 'as not there'}, not ${expected?.sha256 ?? 'as not there'}`);
}

/** @param {S3Client} s3 @param {World} world @param {string} bucket */
async function checkListing(s3, world, bucket) {
  const listed = new Set(await listKeys(s3, bucket));
  for (const history of historiesOf(world)) {
    if (history.bucket !== bucket) continue;
    const there = (history.versions[0]?.content ?? null) !== null;
    if (listed.has(history.key) !== there)
      throw new LostError(history, there ? 'is not listed' : 'is listed though deleted');
  }
}

/** @param {S3Client} s3 @param {import('./history.mjs').SharedHistory} history */
async function checkShared(s3, history) {
  if (history.writes.length === 0) return;
  const possible = possibleContents(history);
  const body = await getObject(s3, history);
  const digest = body === null ? null : sha256(body);
  const found = possible.find((content) => content.sha256 === digest);
  // Before its first acknowledged write a key may be missing.
  if (digest === null && history.writes.every(({ ended_ms }) => ended_ms === null)) {
    history.writes = [];
    return;
  }
  if (found === undefined) {
    const { bucket, key, writes } = history;
    throw new Error(`${bucket}/${key} reads ${digest}; writes: ${JSON.stringify(writes, null, 1)}`);
  }
  history.writes = [{ content: found, began_ms: 0, ended_ms: performance.now() }];
}

/**
 * @param {S3Client} s3 @param {Writer} writer @param {UploadHistory} upload
 * @param {{ random: import('./random.mjs').Random, findings: Findings, complete_uploads?: boolean }} how
 */
async function checkUpload(s3, writer, upload, { random, findings, complete_uploads = true }) {
  const { pending, target } = upload;
  const parts = await listParts(s3, upload.name);
  upload.pending = null;
  if (pending?.kind === 'complete') return checkCompleted(s3, writer, upload, parts, findings);
  if (parts === null) {
    if (pending?.kind !== 'abort') throw new LostError(target, `upload ${upload.name.upload_id} is lost`);
    findings.in_flight_done += 1;
    return end(writer, upload);
  }
  if (pending !== null) findings.in_flight_not_done += 1;
  checkParts(upload, parts, pending);
  if (complete_uploads && upload.parts.size > 0 && random.chance(0.5))
    await completeAndRead(s3, writer, upload, findings);
}

/**
 * @param {UploadHistory} upload @param {ReadonlyMap<number, string>} listed
 * @param {import('./history.mjs').UploadCall | null} pending
 */
function checkParts(upload, listed, pending) {
  for (const [number, { etag, content }] of upload.parts) {
    if (listed.get(number) === etag) continue;
    const replaced = pending?.kind === 'part' && pending.number === number && listed.has(number);
    if (!replaced) {
      const what = `part ${number} (${content.size_bytes} bytes, ${etag}) is ${listed.get(number) ?? 'lost'}`;
      throw new LostError(upload.target, `upload ${upload.name.upload_id}: ${what}`);
    }
  }
  for (const [number, etag] of listed) {
    if (pending?.kind === 'part' && pending.number === number) {
      // In flight and done, or still the one before: an ETag alone tells which.
      if (etag !== upload.parts.get(number)?.etag)
        upload.parts.set(number, { content: pending.content, etag });
    } else if (!upload.parts.has(number)) {
      throw new LostError(upload.target, `upload ${upload.name.upload_id} has a part ${number} never sent`);
    }
  }
}

/**
 * A complete that was in flight is wholly done or wholly not done; asked again, it succeeds either way.
 * @param {S3Client} s3 @param {Writer} writer @param {UploadHistory} upload
 * @param {ReadonlyMap<number, string> | null} parts @param {Findings} findings
 */
async function checkCompleted(s3, writer, upload, parts, findings) {
  const { target } = upload;
  const content = assembled(upload);
  const done = target.versions[0]?.content?.sha256 === content.sha256;
  if (parts === null && !done) throw new LostError(target, 'a complete in flight lost upload and object');
  if (parts !== null && done) throw new LostError(target, 'a complete in flight left object and upload');
  if (parts !== null) checkParts(upload, parts, null);
  const before = target.versions.length;
  await completeAndRead(s3, writer, upload, findings);
  const listed = (await listVersions(s3, target.bucket)).filter(({ key }) => key === target.key);
  const expected = parts === null ? before : target.versions.length;
  if (listed.length !== expected)
    throw new LostError(target, `${listed.length} versions after a repeated complete, not ${expected}`);
}

/** @param {S3Client} s3 @param {Writer} writer @param {UploadHistory} upload @param {Findings} findings */
async function completeAndRead(s3, writer, upload, findings) {
  const { target } = upload;
  const content = assembled(upload);
  const version_id = await finish(upload, s3);
  const latest = target.versions[0];
  if (!target.versioned || latest?.version_id !== version_id) {
    target.versions = applied(target, { kind: 'put', content }, version_id);
  }
  note(target, `upload ${upload.name.upload_id} completed after the restart: ${version_id}`);
  end(writer, upload);
  await checkLatest(s3, target, findings);
}
