import { randomBytes } from 'node:crypto';
import { describeAdapter } from '../../conformance/suite.js';
import { openInFreshFolder } from '../../local/testing/open-in-fresh-folder.js';
import { decorated } from '../stack.js';

const keys = new Map([['one', randomBytes(32)]]);

describeAdapter('encryption over the local adapter', () =>
  openInFreshFolder((adapter) =>
    decorated(adapter, { encryption: { current: 'one', keys, records_bucket: 'backup-node-parts' } }),
  ),
);
