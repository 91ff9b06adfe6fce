import { describeAdapter } from '../conformance/suite.js';
import { forwarding } from '../forwarding.js';
import { openInFreshFolder } from './testing/open-in-fresh-folder.js';

/** In a file of its own, so that it runs beside the plain one. */
describeAdapter('a decorated local adapter', () => openInFreshFolder(forwarding));
