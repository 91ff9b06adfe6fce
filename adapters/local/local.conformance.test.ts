import { describeAdapter } from '../conformance/suite.js';
import { openInFreshFolder } from './testing/open-in-fresh-folder.js';

describeAdapter('the local adapter', () => openInFreshFolder());
