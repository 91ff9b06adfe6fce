import type { IncomingHttpHeaders } from 'node:http';
import { type GetObjectInput, isStoreError } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { readCondition } from '../conditions.js';
import { S3Error } from '../errors.js';
import type { OperationContext } from '../operation.js';
import { objectAddress } from './address.js';
import { refuseReadEncryption } from './encryption.js';
import { headerText } from './header-text.js';
import { partNumber } from './numbers.js';
import { parseRange } from './range.js';

/** What GetObject and HeadObject ask of the store. */
export function readRequest(context: OperationContext): GetObjectInput {
  const { headers, query } = context;
  refuseReadEncryption(headers);
  const condition = readCondition(headers);
  const range = parseRange(headers.range);
  const part = query.get('partNumber');
  if (part !== undefined && headers.range !== undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'Cannot specify both Range header and partNumber query parameter',
    });
  }
  return {
    ...objectAddress(context),
    ...(condition === undefined ? {} : { condition }),
    ...(range === undefined ? {} : { range }),
    ...(part === undefined ? {} : { part_number: partNumber(part, LIMITS.parts_max) }),
  };
}

/** x-amz-checksum-mode: ENABLED. */
export function wantsChecksum(headers: IncomingHttpHeaders): boolean {
  return headerText(headers, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
}

/** A part that the object does not have: InvalidPart, which the s3-tests suite of Ceph asks for, not a range error. */
export function partErrors<T>(request: GetObjectInput, reading: Promise<T>): Promise<T> {
  if (request.part_number === undefined) return reading;
  return reading.catch((error: unknown) => {
    if (!isStoreError(error, 'range_not_satisfiable')) throw error;
    throw new S3Error('InvalidPart', {
      message: 'The requested part number does not exist in the object.',
      fields: { PartNumberRequested: request.part_number },
      cause: error,
    });
  });
}
