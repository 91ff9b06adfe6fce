import { randomContent } from './content.mjs';
import { RefusedError } from './s3-client.mjs';
import { record } from './session.mjs';

/**
 * @typedef {import('./session.mjs').Session} Session
 * @typedef {import('./session.mjs').Writer} Writer
 */

/** Shards are objects of this bucket: the checks read through the S3 door what was stored through the other one. */
export const SHARD_BUCKET = 'shards';

/** @param {Writer} writer @param {Session} session */
export async function storeShard(writer, session) {
  const history = session.random.pick(writer.shards);
  if (history === undefined || session.api_url === null) return;
  const { content, body } = randomContent(session.random);
  const shard = {
    shard_id: history.key,
    shard_data: body.toString('base64'),
    original_hash: content.sha256,
    source_node: null,
    metadata: null,
  };
  await record(history, session, 'store_shard', { kind: 'put', content }, () =>
    call(session, '/api/v1/shards/store', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(shard),
    }),
  );
}

/** @param {Writer} writer @param {Session} session */
export async function removeShard(writer, session) {
  const history = session.random.pick(writer.shards.filter(({ versions }) => versions.length > 0));
  if (history === undefined) return;
  await record(history, session, 'delete_shard', { kind: 'delete' }, () =>
    call(session, `/api/v1/shards/${encodeURIComponent(history.key)}`, { method: 'DELETE' }),
  );
}

/**
 * @param {Session} session @param {string} path @param {RequestInit & { method: string }} request
 * @returns {Promise<string>} the version id, which shards do not have
 */
async function call({ api_url }, path, request) {
  const response = await fetch(`${api_url}${path}`, request);
  const text = await response.text();
  if (response.ok && JSON.parse(text).success === true) return 'null';
  const answer = { status: response.status, headers: {}, body: Buffer.from(text) };
  throw new RefusedError({ method: request.method, bucket: SHARD_BUCKET, key: path }, answer);
}
