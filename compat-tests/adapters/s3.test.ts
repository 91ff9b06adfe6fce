import { describeAdapter } from '../../adapters/conformance/suite.js';
import { openAdapter } from '../../adapters/open.js';
import type { Provider } from '../../adapters/s3/providers.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startReplicatedGarage } from '../support/garage.mjs';
import type { Upstream } from '../support/upstream.mjs';
import { startVersitygw } from '../support/versitygw.mjs';
import { entryOf, startMinioUpstream } from './entries.js';

/** The adapters keep the whole contract over servers that others make, but for what is declared of each. */
function conformance(type: 's3' | 'minio', provider: Provider, upstream: () => Upstream): void {
  describeAdapter(`the ${type} adapter over ${provider}`, async () => {
    const adapter = await openAdapter(entryOf(type, provider, upstream()));
    return { adapter, close: () => adapter.close() };
  });
}

describeUpstream('minio', startMinioUpstream, (upstream) => {
  conformance('s3', 'minio', upstream);
  conformance('minio', 'minio', upstream);
});
describeUpstream('versitygw', startVersitygw, (upstream) => conformance('s3', 'versitygw', upstream));
describeUpstream('garage', startReplicatedGarage, (upstream) => conformance('s3', 'garage', upstream));
