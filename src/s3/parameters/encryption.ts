import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { invalidArgument, notImplemented, S3Error } from '../errors.js';
import { headerText } from './header-text.js';

const SSE = 'x-amz-server-side-encryption';
const SSE_C = 'x-amz-server-side-encryption-customer-';
const COPY_SOURCE_SSE_C = 'x-amz-copy-source-server-side-encryption-customer-';
const SSE_C_KEY_BYTES = 32;
const METHODS: ReadonlySet<string> = new Set(['AES256', 'aws:kms', 'aws:kms:dsse']);

/** True for a header that asks for encryption by the server, in any of its forms. */
export function isEncryptionHeader(name: string): boolean {
  return name.startsWith(SSE) || name.startsWith(COPY_SOURCE_SSE_C);
}

/**
 * Always throws: with what S3 answers where the headers contradict each other or are malformed (S3 User Guide,
 * "Using server-side encryption with customer-provided keys"), else with NotImplemented. A request that asks for
 * encryption must never be stored without it.
 */
export function refuseEncryption(headers: IncomingHttpHeaders): never {
  const method = headerText(headers, SSE);
  const hasKeyId = headers[`${SSE}-aws-kms-key-id`] !== undefined;
  const hasCustomerKey = Object.keys(headers).some((name) => name.startsWith(SSE_C));
  if (method !== undefined && !METHODS.has(method)) {
    throw invalidArgument(SSE, method, 'The encryption method specified is not supported');
  }
  if (method !== undefined && hasCustomerKey) {
    throw invalidArgument(
      SSE,
      method,
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    );
  }
  if (hasKeyId && (method === undefined || method === 'AES256')) {
    throw invalidArgument(
      `${SSE}-aws-kms-key-id`,
      headerText(headers, `${SSE}-aws-kms-key-id`) ?? '',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    );
  }
  if (hasCustomerKey) checkCustomerKey(headers, SSE_C);
  else if (method === undefined && !hasKeyId) checkCustomerKey(headers, COPY_SOURCE_SSE_C);
  throw notImplemented('Server-side encryption');
}

function checkCustomerKey(headers: IncomingHttpHeaders, prefix: string): void {
  const algorithm = headerText(headers, `${prefix}algorithm`);
  const key = headerText(headers, `${prefix}key`);
  const digest = headerText(headers, `${prefix}key-md5`);
  if (algorithm === undefined && key === undefined && digest === undefined) return;
  if (algorithm === undefined) {
    throw invalidArgument(
      `${prefix}algorithm`,
      '',
      'Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.',
    );
  }
  if (algorithm !== 'AES256') {
    throw new S3Error('InvalidEncryptionAlgorithmError', {
      fields: { ArgumentName: `${prefix}algorithm`, ArgumentValue: algorithm },
    });
  }
  if (key === undefined || Buffer.from(key, 'base64').length !== SSE_C_KEY_BYTES) {
    throw invalidArgument(
      `${prefix}key`,
      '',
      'Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.',
    );
  }
  if (digest === undefined || !matchesKey(digest, key)) {
    throw invalidArgument(
      `${prefix}key-MD5`,
      digest ?? '',
      'The calculated MD5 hash of the key did not match the hash that was provided.',
    );
  }
}

function matchesKey(digest: string, key: string): boolean {
  const expected = createHash('md5').update(Buffer.from(key, 'base64')).digest('base64');
  return digest === expected;
}

/** On a read these headers are for objects that were stored encrypted, which none is. */
export function refuseReadEncryption(headers: IncomingHttpHeaders): void {
  if (headers[`${SSE_C}algorithm`] !== undefined || headers[`${SSE_C}key`] !== undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'The encryption parameters are not applicable to this object.',
    });
  }
  const method = headerText(headers, SSE);
  if (method !== undefined) {
    throw invalidArgument(SSE, method, `${SSE} header is not supported for this operation.`);
  }
}
