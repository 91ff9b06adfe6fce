import type { IncomingHttpHeaders } from 'node:http';
import type { Credential } from '../../access/identity.js';
import {
  canonicalQuery,
  canonicalRequest,
  credentialScope,
  SIGV4_ALGORITHM,
  sign,
  signatureEquals,
  signingKey,
  stringToSign,
} from '../../wire/sigv4.js';
import { escapeRawPath } from '../../wire/uri.js';
import { type ErrorFields, S3Error } from '../errors.js';
import { type Authenticated, type SignedRequest, signedHeader } from './request.js';
import type { CredentialScope } from './scope.js';

export const ALGORITHM = SIGV4_ALGORITHM;

export interface Claim {
  readonly scope: CredentialScope;
  /** As in x-amz-date. */
  readonly timestamp: string;
  readonly signed_headers: readonly string[];
  readonly signature: string;
  readonly payload_hash: string;
  /** Encoded, without the signature itself. */
  readonly parameters: readonly (readonly [string, string])[];
}

export function findCredential(request: SignedRequest, access_key: string): Credential {
  const credential = request.credentials.findByAccessKey(access_key);
  if (credential !== undefined) return credential;
  throw new S3Error('InvalidAccessKeyId', { fields: { AWSAccessKeyId: access_key } });
}

/** Fails with SignatureDoesNotMatch unless `claim` is what the owner of the access key signed. */
export function verifySignature(request: SignedRequest, claim: Claim, credential: Credential): Authenticated {
  checkSignedHeaders(request.headers, claim.signed_headers);
  const { scope, timestamp, signature } = claim;
  const key = signingKey(credential.secret_key, scope.day, scope.region, 's3');
  const scopeText = credentialScope(scope.day, scope.region, 's3');
  const canonical = canonicalFor(request, claim, request.raw_path);
  const text = stringToSign(timestamp, scopeText, canonical);
  if (!signatureEquals(sign(key, text), signature) && !matchesEscapedPath(request, claim, key, scopeText)) {
    throw new S3Error('SignatureDoesNotMatch', { fields: mismatch(claim, text, canonical) });
  }
  return {
    identity: credential.identity,
    payload_hash: claim.payload_hash,
    chunk_seed: { key, timestamp, scope: scopeText, seed: signature },
  };
}

function canonicalFor(request: SignedRequest, claim: Claim, path: string): string {
  return canonicalRequest({
    method: request.method,
    path,
    query: canonicalQuery(claim.parameters),
    signed_headers: claim.signed_headers,
    header: (name) => signedHeader(request.headers, name),
    payload_hash: claim.payload_hash,
  });
}

/** HTTP libraries send characters such as `+` or `(` as they are, where the signer has escaped them. */
function matchesEscapedPath(request: SignedRequest, claim: Claim, key: Buffer, scope: string): boolean {
  const escaped = escapeRawPath(request.raw_path);
  if (escaped === request.raw_path) return false;
  const text = stringToSign(claim.timestamp, scope, canonicalFor(request, claim, escaped));
  return signatureEquals(sign(key, text), claim.signature);
}

/**
 * SigV4 wants `host` and all x-amz-* headers signed: others could be added on the way. (x-amz-content-sha256 says of
 * itself what it covers, and presigned uploads carry it unsigned.)
 */
function checkSignedHeaders(headers: IncomingHttpHeaders, signed: readonly string[]): void {
  const unsigned: string[] = signed.includes('host') ? [] : ['host'];
  for (const name in headers) {
    if (name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !signed.includes(name))
      unsigned.push(name);
  }
  if (unsigned.length === 0) return;
  throw new S3Error('AccessDenied', {
    message: 'There were headers present in the request which were not signed',
    fields: { HeadersNotSigned: unsigned.join(', ') },
  });
}

function mismatch(claim: Claim, text: string, canonical: string): ErrorFields {
  return {
    AWSAccessKeyId: claim.scope.access_key,
    StringToSign: text,
    SignatureProvided: claim.signature,
    StringToSignBytes: spacedHex(text),
    CanonicalRequest: canonical,
    CanonicalRequestBytes: spacedHex(canonical),
  };
}

function spacedHex(text: string): string {
  return Buffer.from(text)
    .toString('hex')
    .replaceAll(/..(?!$)/g, '$& ');
}
