import { createHash, createHmac } from 'node:crypto';

/**
 * A SigV4 presigner of the tests' own, so that the server's signature code is not checked against itself.
 * Rules: Amazon S3 API reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
 *
 * @typedef {object} SigningKeys
 * @property {string} access_key
 * @property {string} secret_key
 * @property {string} [region]
 */

const EXPIRES_SECONDS = 12 * 3_600;

/** @param {string} text percent-encodes all but the unreserved characters of RFC 3986 */
export function encode(text) {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** @param {string} key an object key; its slashes stay */
export function encodeKey(key) {
  return key.split('/').map(encode).join('/');
}

/** @param {string | Buffer} key @param {string} text */
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/**
 * @param {string} endpoint `http://host:port`
 * @param {SigningKeys} keys
 * @param {Date} [at]
 * @returns {(method: string, path: string, query?: Record<string, string>, headers?: Record<string, string>) => string}
 *   path must be encoded already; headers, in lower case, are signed too; the answer is path and signed query
 */
export function createPresigner(endpoint, { access_key, secret_key, region = 'us-east-1' }, at = new Date()) {
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const signing_key = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret_key}`, day));
  const { host } = new URL(endpoint);
  return (method, path, query = {}, headers = {}) => {
    const signed = Object.entries({ ...headers, host }).sort(([a], [b]) => (a < b ? -1 : 1));
    const signed_names = signed.map(([name]) => name).join(';');
    const canonical_query = Object.entries({
      ...query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${access_key}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(EXPIRES_SECONDS),
      'X-Amz-SignedHeaders': signed_names,
    })
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&');
    const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('');
    const request = `${method}\n${path}\n${canonical_query}\n${lines}\n${signed_names}\nUNSIGNED-PAYLOAD`;
    const digest = createHash('sha256').update(request).digest('hex');
    const signature = createHmac('sha256', signing_key)
      .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`)
      .digest('hex');
    return `${path}?${canonical_query}&X-Amz-Signature=${signature}`;
  };
}
