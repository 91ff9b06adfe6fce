/**
 * What the clients were told, and what they were waiting for when the node died.
 *
 * @typedef {import('./content.mjs').Content} Content
 *
 * @typedef {object} Version
 * @property {string} version_id `null` in a bucket without versioning; '' where the node did not live to tell it
 * @property {Content | null} content null for a delete marker
 *
 * @typedef {{ kind: 'put', content: Content } | { kind: 'delete' } | { kind: 'delete_version', version_id: string }} Write
 *
 * A key that only one client writes, one write at a time.
 * @typedef {object} KeyHistory
 * @property {string} bucket
 * @property {string} key
 * @property {boolean} versioned
 * @property {Version[]} versions acknowledged, newest first
 * @property {Set<string>} unread versions that no check has read yet
 * @property {Write | null} pending sent and not answered
 * @property {string[]} log for a person, when a check fails
 *
 * @typedef {{ content: Content, etag: string }} Part
 * @typedef {{ kind: 'part', number: number, content: Content } | { kind: 'complete' } | { kind: 'abort' }} UploadCall
 *
 * @typedef {object} UploadHistory
 * @property {import('./s3-calls.mjs').UploadName} name
 * @property {KeyHistory} target
 * @property {Map<number, Part>} parts acknowledged
 * @property {UploadCall | null} pending
 * @property {boolean} ended completed or aborted, acknowledged
 *
 * A key that all clients write at once.
 * @typedef {object} SharedHistory
 * @property {string} bucket
 * @property {string} key
 * @property {{ content: Content, began_ms: number, ended_ms: number | null }[]} writes
 */

const LOG_LINES_MAX = 200;

/** @param {string} bucket @param {string} key @param {boolean} versioned @returns {KeyHistory} */
export function createKeyHistory(bucket, key, versioned) {
  return { bucket, key, versioned, versions: [], unread: new Set(), pending: null, log: [] };
}

/** @param {KeyHistory} history @param {string} line */
export function note(history, line) {
  if (history.log.length >= LOG_LINES_MAX) history.log.shift();
  history.log.push(`${performance.now().toFixed(1)} ms  ${line}`);
}

/** @param {Write} write */
function describeWrite(write) {
  if (write.kind === 'put')
    return `put ${write.content.size_bytes} bytes ${write.content.sha256.slice(0, 12)}`;
  return write.kind === 'delete' ? 'delete' : `delete version ${write.version_id}`;
}

/** @param {KeyHistory} history @param {Write} write @param {string} how */
export function begin(history, write, how) {
  history.pending = write;
  note(history, `sent: ${how}: ${describeWrite(write)}`);
}

/** @param {KeyHistory} history @param {string} version_id of the version or delete marker that was made */
export function acknowledge(history, version_id) {
  if (history.pending === null) throw new Error(`nothing was sent for ${history.key}`);
  const id = history.versioned ? version_id : 'null';
  history.versions = applied(history, history.pending, id);
  if (history.pending.kind === 'put') history.unread.add(id);
  history.pending = null;
  note(history, `acknowledged ${id}`);
}

/** An answer said that the write was not done. @param {KeyHistory} history @param {string} why */
export function refuse(history, why) {
  history.pending = null;
  note(history, `refused: ${why}`);
}

/**
 * The versions that a key has once a write is done.
 * @param {KeyHistory} history @param {Write} write @param {string} version_id
 * @returns {Version[]}
 */
export function applied({ versioned, versions }, write, version_id) {
  if (write.kind === 'delete_version') return versions.filter((old) => old.version_id !== write.version_id);
  const content = write.kind === 'put' ? write.content : null;
  if (versioned) return [{ version_id, content }, ...versions];
  return content === null ? [] : [{ version_id: 'null', content }];
}

/**
 * The contents that a shared key may have: a write that was acknowledged before another acknowledged one began is over.
 * @param {SharedHistory} history
 */
export function possibleContents({ writes }) {
  return writes
    .filter(({ ended_ms }) =>
      writes.every((other) => ended_ms === null || other.ended_ms === null || other.began_ms <= ended_ms),
    )
    .map(({ content }) => content);
}
