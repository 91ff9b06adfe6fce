import type { LocalContext } from './context.js';
import type { BucketRecord } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';

export function abortUploadsOf(
  _context: LocalContext,
  _transaction: WriteTransaction,
  _bucket: BucketRecord,
): void {}
