import { type ErrorKind, StoreError } from '../../adapters/contract/index.js';

/** One entry of the list form of `detail`, as FastAPI writes it (FastAPI documentation, "Handling Errors"). */
export interface Problem {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** An answer that is not a success: `{"detail": …}` with a status. */
export class ShardApiError extends Error {
  readonly status: number;
  readonly detail: string | readonly Problem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    detail: string | readonly Problem[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(typeof detail === 'string' ? detail : detail.map(({ msg }) => msg).join('; '));
    this.name = 'ShardApiError';
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

export function invalid(...problems: readonly Problem[]): ShardApiError {
  return new ShardApiError(422, problems);
}

export const shardNotFound = () => new ShardApiError(404, 'Shard not found');
export const tooLarge = (limit_bytes: number) =>
  new ShardApiError(413, `Shard is larger than ${limit_bytes} bytes`);

/** Every kind has its answer: the compiler refuses a table with a kind missing. */
const ANSWERS: Readonly<Record<ErrorKind, readonly [status: number, detail: string]>> = {
  not_found: [404, 'Shard not found'],
  delete_marker: [404, 'Shard not found'],
  corrupt: [404, 'Shard not found'],
  digest_mismatch: [400, 'Shard data does not match original_hash'],
  no_space: [507, 'Insufficient storage space'],
  invalid: [422, 'Invalid shard'],
  locked: [403, 'Shard is protected against deletion'],
  access_denied: [403, 'Access denied'],
  already_exists: [409, 'Conflict'],
  not_empty: [409, 'Conflict'],
  conflict: [409, 'Conflict'],
  precondition_failed: [409, 'Conflict'],
  not_modified: [409, 'Conflict'],
  range_not_satisfiable: [416, 'Range not satisfiable'],
  invalid_part: [500, 'Internal server error'],
  invalid_part_order: [500, 'Internal server error'],
  part_too_small: [500, 'Internal server error'],
  unsupported: [501, 'Not supported by the storage'],
  throttled: [503, 'Storage is busy, try again'],
  unavailable: [503, 'Storage is unavailable, try again'],
  unexpected: [500, 'Internal server error'],
};

const RETRY = { 'retry-after': '1' };
const INTERNAL = new ShardApiError(500, 'Internal server error');

/** What a client is told of any failure. The cause of a 5xx stays in the log. */
export function toApiError(error: unknown): ShardApiError {
  if (error instanceof ShardApiError) return error;
  if (error instanceof StoreError) {
    // A bucket that is gone is the node's trouble, not an answer about the shard.
    if (error.subject === 'bucket') return new ShardApiError(503, 'Shard storage is unavailable', RETRY);
    const [status, detail] = ANSWERS[error.kind];
    if (error.kind === 'invalid') {
      return invalid({ loc: ['body', 'shard_id'], msg: error.message, type: 'value_error' });
    }
    return new ShardApiError(status, detail, status === 503 ? RETRY : {});
  }
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ShardApiError(status, error instanceof Error ? error.message : 'Bad request');
  }
  return INTERNAL;
}
