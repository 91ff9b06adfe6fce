import { formatIsoDate } from '../../wire/http-date.js';
import { S3Error } from '../errors.js';
import { requireObjectLock } from '../lock-defaults.js';
import type { Operation } from '../operation.js';
import { objectAddress } from '../parameters/address.js';
import { xml } from '../xml.js';

/** S3 API reference, "GetObjectRetention". */
export const getObjectRetention: Operation = {
  name: 'GetObjectRetention',
  action: 's3:GetObjectRetention',
  body: 'none',
  async run(context) {
    await requireObjectLock(context);
    const { info } = await context.store.headObject(objectAddress(context));
    if (info.retention === null) throw new S3Error('NoSuchObjectLockConfiguration');
    const { mode, until_ms } = info.retention;
    return {
      status: 200,
      body: xml('Retention', { Mode: mode, RetainUntilDate: formatIsoDate(until_ms) }),
    };
  },
};
