import type { IncomingHttpHeaders } from 'node:http';
import type { ObjectInfo, Retention } from '../../../adapters/contract/index.js';
import { formatIsoDate } from '../../wire/http-date.js';
import { invalidArgument } from '../errors.js';
import { headerText } from './header-text.js';
import { parseTime } from './times.js';

const MODE = 'x-amz-object-lock-mode';
const UNTIL = 'x-amz-object-lock-retain-until-date';
const HOLD = 'x-amz-object-lock-legal-hold';

export const LOCK_HEADERS: ReadonlySet<string> = new Set([MODE, UNTIL, HOLD]);

export interface LockHeaders {
  readonly retention?: Retention;
  readonly legal_hold?: boolean;
}

/** x-amz-object-lock-* of a request that writes an object (S3 User Guide, "Locking objects with Object Lock"). */
export function lockHeaders(headers: IncomingHttpHeaders, now_ms: number): LockHeaders {
  const retention = retentionOf(headerText(headers, MODE), headerText(headers, UNTIL), now_ms);
  const legal_hold = legalHoldOf(headerText(headers, HOLD));
  return {
    ...(retention === undefined ? {} : { retention }),
    ...(legal_hold === undefined ? {} : { legal_hold }),
  };
}

function retentionOf(
  mode: string | undefined,
  until: string | undefined,
  now_ms: number,
): Retention | undefined {
  if (mode === undefined && until === undefined) return undefined;
  if (mode === undefined || until === undefined) {
    throw invalidArgument(
      mode === undefined ? MODE : UNTIL,
      '',
      `${UNTIL} and ${MODE} must both be supplied`,
    );
  }
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') {
    throw invalidArgument(MODE, mode, 'Unknown wormMode directive.');
  }
  const until_ms = parseTime(until);
  if (until_ms === undefined) {
    throw invalidArgument(UNTIL, until, 'The retain until date must be provided in ISO 8601 format');
  }
  if (until_ms <= now_ms) {
    throw invalidArgument(UNTIL, until, 'The retain until date must be in the future!');
  }
  return { mode, until_ms };
}

function legalHoldOf(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 'ON' || value === 'OFF') return value === 'ON';
  throw invalidArgument(HOLD, value, "Legal Hold must be either of 'ON' or 'OFF'");
}

/** The reply headers of an object's lock. S3 shows a legal hold only where one was ever set; OFF says nothing. */
export function lockReplyHeaders(info: ObjectInfo, into: Record<string, string | number | undefined>): void {
  if (info.retention !== null) {
    into[MODE] = info.retention.mode;
    into[UNTIL] = formatIsoDate(info.retention.until_ms);
  }
  if (info.legal_hold) into[HOLD] = 'ON';
}

/** x-amz-bypass-governance-retention: true. */
export function bypassesGovernance(headers: IncomingHttpHeaders): boolean {
  return headerText(headers, 'x-amz-bypass-governance-retention')?.toLowerCase() === 'true';
}
