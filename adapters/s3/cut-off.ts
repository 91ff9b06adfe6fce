import { isStoreError } from '../contract/index.js';

const CODES = new Set<unknown>(['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET']);

/**
 * Whether a connection ended under a request. Servers that answer in the middle of a body and close it, as Garage does when
 * an upload was aborted meanwhile and versitygw when a condition does not hold, may take the answer away with it (RFC 9112,
 * section 9.6).
 */
export function wasCutOff(error: unknown): boolean {
  if (!isStoreError(error, 'unavailable')) return false;
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return CODES.has(code);
}
