import { S3Error } from '../errors.js';

/** The code of the S3Error that `work` throws; `none` when it throws nothing. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return 'none';
}
