import { describeAdapter } from '../../adapters/conformance/suite.js';
import { openInFreshFolder } from '../../adapters/local/testing/open-in-fresh-folder.js';
import { mappedView } from './mapped-view.js';
import { createNaming } from './naming.js';

const NAMING = createNaming('*', { upstream_prefix: 'team-' });
if (NAMING === undefined) throw new Error('a prefix makes a naming');

/** Names that are others underneath are nothing that a caller could notice. */
describeAdapter('a view with a prefix upstream', () =>
  openInFreshFolder((adapter) => mappedView(adapter, NAMING)),
);
