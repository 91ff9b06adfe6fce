import { describeAdapter } from '../../adapters/conformance/suite.js';
import { openInFreshFolder } from '../../adapters/local/testing/open-in-fresh-folder.js';
import { createObjectStore } from './store.js';

/**
 * The object store is an adapter too: whoever stands on it may rely on all that an adapter promises. Names that are others
 * underneath are nothing that a caller could notice.
 */
describeAdapter('the object store over one mount with a prefix upstream', () =>
  openInFreshFolder((adapter) =>
    createObjectStore({
      mounts: [{ pattern: '*', adapter, upstream_prefix: 'team-' }],
      quota_bytes: 1024 ** 4,
    }),
  ),
);
