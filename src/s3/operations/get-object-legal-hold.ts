import { requireObjectLock } from '../lock-defaults.js';
import type { Operation } from '../operation.js';
import { objectAddress } from '../parameters/address.js';
import { xml } from '../xml.js';

/** S3 API reference, "GetObjectLegalHold". */
export const getObjectLegalHold: Operation = {
  name: 'GetObjectLegalHold',
  action: 's3:GetObjectLegalHold',
  body: 'none',
  async run(context) {
    await requireObjectLock(context);
    const { info } = await context.store.headObject(objectAddress(context));
    return { status: 200, body: xml('LegalHold', { Status: info.legal_hold ? 'ON' : 'OFF' }) };
  },
};
