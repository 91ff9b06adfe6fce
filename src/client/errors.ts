/** The closed set of ways in which a call to a node can fail. */
export const CLIENT_ERROR_KINDS = [
  'not_found', // the node does not have it
  'invalid', // the node refuses the request as it is (400, 422)
  'too_large', // above the node's shard size limit
  'no_space', // the node is full, even after cleaning up
  'unauthorized', // a token is missing, wrong, or not enough
  'busy', // the node cannot answer now; try again or elsewhere
  'corrupt', // what came back does not match its digest
  'timeout',
  'aborted', // by the caller's signal
  'unreachable', // no connection, or it was lost
  'unexpected',
] as const;

export type ClientErrorKind = (typeof CLIENT_ERROR_KINDS)[number];

export interface BackupNodeErrorOptions {
  readonly status?: number;
  /** `detail` of the node's answer. */
  readonly detail?: unknown;
  readonly cause?: unknown;
}

/** The only error that the calls of this library reject with. */
export class BackupNodeError extends Error {
  readonly kind: ClientErrorKind;
  /** HTTP status, where there was an answer. */
  readonly status: number | null;
  readonly detail: unknown;

  constructor(kind: ClientErrorKind, message: string, options: BackupNodeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BackupNodeError';
    this.kind = kind;
    this.status = options.status ?? null;
    this.detail = options.detail ?? null;
  }
}

export function kindOfStatus(status: number): ClientErrorKind {
  if (status === 404) return 'not_found';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 413) return 'too_large';
  if (status === 507) return 'no_space';
  if (status === 429 || status === 502 || status === 503 || status === 504) return 'busy';
  return status >= 400 && status < 500 ? 'invalid' : 'unexpected';
}

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** What the transport threw, in this library's words. */
export function toClientError(error: unknown, signal: AbortSignal | undefined): BackupNodeError {
  if (error instanceof BackupNodeError) return error;
  if (signal?.aborted) return new BackupNodeError('aborted', 'The call was aborted', { cause: error });
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (name === 'TimeoutError' || TIMEOUTS.has(code ?? '')) {
    return new BackupNodeError('timeout', 'The node did not answer in time', { cause: error });
  }
  return new BackupNodeError('unreachable', `The node cannot be reached: ${message ?? String(error)}`, {
    cause: error,
  });
}
