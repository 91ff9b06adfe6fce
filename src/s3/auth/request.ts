import type { IncomingHttpHeaders } from 'node:http';
import type { CredentialSource, Identity } from '../../access/identity.js';
import type { SignatureChainInput } from '../../wire/sigv4.js';
import { decodeHeader } from '../parameters/header-text.js';
import type { ParsedQuery } from '../query.js';

/** What a signature covers, and what is needed to check it. */
export interface SignedRequest {
  readonly method: string;
  /** As sent. */
  readonly raw_path: string;
  readonly query: ParsedQuery;
  readonly headers: IncomingHttpHeaders;
  readonly credentials: CredentialSource;
  readonly region: string;
  /** Clients that do not know a bucket's region yet ask for it with any region (GetBucketLocation). */
  readonly any_region: boolean;
  readonly now_ms: number;
}

export interface Authenticated {
  readonly identity: Identity;
  /** The x-amz-content-sha256 that was signed, or that an unsigned request carries; UNSIGNED-PAYLOAD without one. */
  readonly payload_hash: string;
  /** From which the signatures of chunks go on; undefined for an anonymous request. */
  readonly chunk_seed: SignatureChainInput | undefined;
}

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** A header's value as it is signed; '' where it was not sent. */
export function signedHeader(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (value === undefined) return '';
  // Clients sign the text; node gives its UTF-8 bytes as characters.
  return decodeHeader(typeof value === 'string' ? value : value.join(','));
}
