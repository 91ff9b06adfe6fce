import { randomBytes } from 'node:crypto';
import { describeAdapter } from '../conformance/suite.js';
import { openInFreshFolder } from './testing/open-in-fresh-folder.js';

/** In a file of its own, so that it runs beside the others. */
describeAdapter('a local adapter that encrypts and compresses', () =>
  openInFreshFolder(undefined, {
    encryption: { key: randomBytes(32) },
    protection: () => ({ encrypt: true, compress: true }),
  }),
);
