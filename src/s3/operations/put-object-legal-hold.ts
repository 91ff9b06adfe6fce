import { requireObjectLock } from '../lock-defaults.js';
import type { Operation } from '../operation.js';
import { objectAddress, requestDocument } from '../parameters/address.js';
import { childText, malformed } from '../xml.js';

/** S3 API reference, "PutObjectLegalHold". */
export const putObjectLegalHold: Operation = {
  name: 'PutObjectLegalHold',
  action: 's3:PutObjectLegalHold',
  body: 'xml',
  async run(context) {
    const address = objectAddress(context);
    await requireObjectLock(context);
    const status = childText(await requestDocument(context, 'LegalHold'), 'Status');
    if (status !== 'ON' && status !== 'OFF') throw malformed('Status must be ON or OFF');
    await context.store.putLegalHold({ ...address, legal_hold: status === 'ON' });
    return { status: 200 };
  },
};
