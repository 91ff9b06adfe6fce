import { isUtf8 } from 'node:buffer';
import { invalidArgument } from '../errors.js';

/** First byte of a token, so that its form can change one day. */
const FORM = 1;

/** A continuation token: opaque to clients, safe in a URL and in XML. It holds no more than what the page showed. */
export function encodeToken(position: string): string {
  return Buffer.concat([Buffer.of(FORM), Buffer.from(position, 'utf8')]).toString('base64url');
}

/** The position that encodeToken was given; InvalidArgument for what it never made. */
export function decodeToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes[0] !== FORM || bytes.toString('base64url') !== token || !isUtf8(bytes)) {
    throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  }
  return bytes.toString('utf8', 1);
}
