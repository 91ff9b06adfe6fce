import type { Retention } from '../../../adapters/contract/index.js';
import { invalidArgument } from '../errors.js';
import { requireObjectLock } from '../lock-defaults.js';
import type { Operation } from '../operation.js';
import { objectAddress, requestDocument } from '../parameters/address.js';
import { bypassesGovernance } from '../parameters/object-lock.js';
import { parseTime } from '../parameters/times.js';
import { childText, malformed, type XmlElement } from '../xml.js';

/** S3 API reference, "PutObjectRetention". An empty Retention removes it. */
export const putObjectRetention: Operation = {
  name: 'PutObjectRetention',
  action: 's3:PutObjectRetention',
  body: 'xml',
  async run(context) {
    const address = objectAddress(context);
    await requireObjectLock(context);
    const retention = parseRetention(await requestDocument(context, 'Retention'), Date.now());
    const bypass_governance = bypassesGovernance(context.headers);
    await context.store.putRetention({ ...address, retention, bypass_governance });
    return { status: 200 };
  },
};

function parseRetention(document: XmlElement, now_ms: number): Retention | null {
  const mode = childText(document, 'Mode');
  const until = childText(document, 'RetainUntilDate');
  if (mode === undefined && until === undefined) return null;
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw malformed(`Mode ${mode} is not known`);
  const until_ms = until === undefined ? undefined : parseTime(until);
  if (until_ms === undefined) throw malformed('RetainUntilDate must be a time in ISO 8601');
  if (until_ms <= now_ms) {
    throw invalidArgument('RetainUntilDate', until ?? '', 'The retain until date must be in the future!');
  }
  return { mode, until_ms };
}
