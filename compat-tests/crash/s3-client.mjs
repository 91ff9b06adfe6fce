import { createHash, createHmac } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { encode, encodeKey } from '../support/presign.mjs';

/**
 * A small S3 client of the tests' own: it says exactly which answer was received whole, which an SDK that retries
 * does not. Signatures: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header".
 *
 * @typedef {object} Endpoint
 * @property {string} s3_url
 * @property {string} access_key
 * @property {string} secret_key
 * @property {string} [region]
 *
 * @typedef {object} Call
 * @property {string} method
 * @property {string} [bucket]
 * @property {string} [key]
 * @property {Record<string, string>} [query]
 * @property {Record<string, string>} [headers]
 * @property {Buffer | string} [body]
 * @property {string} [sha256] hex, of the body, where it is known already
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Buffer} body
 *
 * @typedef {object} S3Client
 * @property {(call: Call) => Promise<Answer>} send rejects when no whole answer came
 * @property {(call: Call) => Promise<Answer>} ask as send, and rejects with RefusedError on a status of 300 and above
 * @property {() => void} close
 */

const REGION = 'us-east-1';
const REQUEST_TIMEOUT_MS = 60_000;

/** An answer that is an error. */
export class RefusedError extends Error {
  /** @param {Call} call @param {Answer} answer */
  constructor(call, answer) {
    super(`${describeCall(call)}: ${answer.status} ${answer.body.toString().slice(0, 500)}`);
    this.name = 'RefusedError';
    this.status = answer.status;
    this.deletes = call.method === 'DELETE' || call.query?.delete !== undefined;
    this.code = textOf(answer.body.toString(), 'Code') ?? '';
  }
}

/** @param {Call} call */
function describeCall({ method, bucket = '', key = '', query = {} }) {
  const parameters = new URLSearchParams(query).toString();
  return `${method} /${bucket}/${key}${parameters === '' ? '' : `?${parameters}`}`;
}

/** @param {string | Buffer} key @param {string} text */
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** @param {string | Buffer} data */
const digest = (data) => createHash('sha256').update(data).digest('hex');

/**
 * @param {Endpoint} endpoint
 * @param {Call} call
 * @returns {{ path: string, headers: Record<string, string> }}
 */
export function signCall({ s3_url, access_key, secret_key, region = REGION }, call) {
  const { method, bucket = '', key = '', query = {}, body = '' } = call;
  const path = bucket === '' ? '/' : `/${bucket}${key === '' ? '' : `/${encodeKey(key)}`}`;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const payload = call.sha256 ?? digest(body);
  /** @type {Record<string, string>} */
  const signed = {
    ...call.headers,
    host: new URL(s3_url).host,
    'x-amz-content-sha256': payload,
    'x-amz-date': time,
  };
  const names = Object.keys(signed).sort();
  const canonical_query = Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const canonical_headers = names.map((name) => `${name}:${signed[name]?.trim()}\n`).join('');
  const request = [method, path, canonical_query, canonical_headers, names.join(';'), payload].join('\n');
  const signing_key = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret_key}`, day));
  const signature = createHmac('sha256', signing_key)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest(request)}`)
    .digest('hex');
  return {
    path: canonical_query === '' ? path : `${path}?${canonical_query}`,
    headers: {
      ...signed,
      'content-length': String(Buffer.byteLength(body)),
      authorization:
        `AWS4-HMAC-SHA256 Credential=${access_key}/${scope}, ` +
        `SignedHeaders=${names.join(';')}, Signature=${signature}`,
    },
  };
}

/** @param {Endpoint} endpoint @returns {S3Client} */
export function createS3Client(endpoint) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const { hostname, port } = new URL(endpoint.s3_url);
  /** @param {Call} call @returns {Promise<Answer>} */
  const send = (call) =>
    new Promise((resolve, reject) => {
      const { path, headers } = signCall(endpoint, call);
      const request = httpRequest(
        { hostname, port, path, method: call.method, headers, agent },
        (response) => {
          /** @type {Buffer[]} */
          const chunks = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', reject);
          // `complete` is false where the connection ended before the answer did.
          response.on('end', () => {
            const { statusCode: status = 0 } = response;
            if (response.complete)
              resolve({ status, headers: response.headers, body: Buffer.concat(chunks) });
            else reject(new Error('the answer was cut off'));
          });
          response.on('aborted', () => reject(new Error('the answer was cut off')));
        },
      );
      request.setTimeout(REQUEST_TIMEOUT_MS, () =>
        request.destroy(new Error(`${describeCall(call)}: no answer after ${REQUEST_TIMEOUT_MS} ms`)),
      );
      request.on('error', reject);
      request.end(call.body);
    });
  return {
    send,
    async ask(call) {
      const answer = await send(call);
      if (answer.status >= 300) throw new RefusedError(call, answer);
      return answer;
    },
    close: () => agent.destroy(),
  };
}

/** @param {string} xml @param {string} name @returns {string | null} the text of the first such element */
export function textOf(xml, name) {
  const begin = xml.indexOf(`<${name}>`);
  if (begin < 0) return null;
  const end = xml.indexOf(`</${name}>`, begin);
  const text = xml.slice(begin + name.length + 2, end);
  return text.replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&amp;', '&');
}

/** @param {string} xml @param {string} name @returns {string[]} the content of each such element */
export function elementsOf(xml, name) {
  return xml
    .split(`<${name}>`)
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf(`</${name}>`)));
}
