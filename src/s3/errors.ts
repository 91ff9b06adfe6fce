import { ERROR_CODES, type ErrorCode } from './error-codes.js';

export type { ErrorCode } from './error-codes.js';

/** Elements of the error document beside Code, Message, Resource, RequestId and HostId, in order. */
export type ErrorFields = Readonly<Record<string, string | number | undefined>>;

export interface S3ErrorOptions {
  /** Where it is not the usual message of the code. */
  readonly message?: string | undefined;
  /** Where it is not the usual status of the code. */
  readonly status?: number;
  readonly fields?: ErrorFields;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** The only error that the S3 door turns into an answer as it is. All else becomes one of these first. */
export class S3Error extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: ErrorFields;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, options: S3ErrorOptions = {}) {
    const [status, message] = ERROR_CODES[code];
    super(options.message ?? message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'S3Error';
    this.code = code;
    this.status = options.status ?? status;
    this.fields = options.fields ?? {};
    this.headers = options.headers ?? {};
  }
}

/** `InvalidArgument` with the name and value of what is wrong, as S3 gives them. */
export function invalidArgument(name: string, value: string, message?: string): S3Error {
  return new S3Error('InvalidArgument', {
    message,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

export function notImplemented(what: string): S3Error {
  return new S3Error('NotImplemented', { message: `${what} is not implemented.` });
}
