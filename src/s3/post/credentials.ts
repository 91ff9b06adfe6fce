import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Credential, CredentialSource, Identity } from '../../access/identity.js';
import { ANONYMOUS } from '../../access/identity.js';
import { SIGV4_ALGORITHM, sign, signatureEquals, signingKey } from '../../wire/sigv4.js';
import { invalidArgument, S3Error } from '../errors.js';

/**
 * Who has signed the policy of a form. S3 API reference, "Authenticating Requests in Browser-Based Uploads Using POST";
 * the older form (AWSAccessKeyId and an HMAC-SHA1 of the policy) is what many libraries still make. A form without a
 * policy is anonymous.
 */
export function identifyForm(
  fields: ReadonlyMap<string, string>,
  credentials: CredentialSource,
  region: string,
): Identity {
  const policy = fields.get('policy');
  if (policy === undefined) return ANONYMOUS;
  return fields.has('x-amz-algorithm') || fields.has('x-amz-signature')
    ? verifyV4(fields, policy, credentials, region)
    : verifyV2(fields, policy, credentials);
}

function verifyV4(
  fields: ReadonlyMap<string, string>,
  policy: string,
  credentials: CredentialSource,
  region: string,
): Identity {
  const algorithm = required(fields, 'x-amz-algorithm');
  if (algorithm !== SIGV4_ALGORITHM) throw invalidArgument('x-amz-algorithm', algorithm);
  const text = required(fields, 'x-amz-credential');
  const signature = required(fields, 'x-amz-signature');
  required(fields, 'x-amz-date');
  const parts = text.split('/');
  const [day = '', scopeRegion = '', service, terminator] = parts.slice(-4);
  const well =
    parts.length >= 5 && scopeRegion === region && service === 's3' && terminator === 'aws4_request';
  if (!well) throw invalidArgument('x-amz-credential', text, 'The credential scope is not valid here.');
  const credential = find(credentials, parts.slice(0, -4).join('/'));
  const expected = sign(signingKey(credential.secret_key, day, region, 's3'), policy);
  return checked(signatureEquals(expected, signature), credential, signature);
}

function verifyV2(
  fields: ReadonlyMap<string, string>,
  policy: string,
  credentials: CredentialSource,
): Identity {
  const access_key = required(fields, 'AWSAccessKeyId');
  const signature = required(fields, 'signature');
  const credential = find(credentials, access_key);
  const expected = createHmac('sha1', credential.secret_key).update(policy, 'utf8').digest();
  const given = Buffer.from(signature, 'base64');
  const matches = given.length === expected.length && timingSafeEqual(given, expected);
  return checked(matches, credential, signature);
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value !== undefined && value !== '') return value;
  throw invalidArgument(name, '', `Bucket POST must contain a field named '${name}'.`);
}

function find(credentials: CredentialSource, access_key: string): Credential {
  const credential = credentials.findByAccessKey(access_key);
  if (credential !== undefined) return credential;
  throw new S3Error('InvalidAccessKeyId', { fields: { AWSAccessKeyId: access_key } });
}

function checked(matches: boolean, credential: Credential, signature: string): Identity {
  if (matches) return credential.identity;
  throw new S3Error('SignatureDoesNotMatch', {
    fields: { AWSAccessKeyId: credential.access_key, SignatureProvided: signature },
  });
}
