import { describeAdapter } from '../../adapters/conformance/suite.js';
import { openS3Adapter } from '../../adapters/s3/open-s3-adapter.js';
import type { Provider } from '../../adapters/s3/providers.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startGarage } from '../support/garage.mjs';
import { startMinio } from '../support/minio.mjs';
import type { Upstream } from '../support/upstream.mjs';
import { startVersitygw } from '../support/versitygw.mjs';

/** The s3 adapter keeps the whole contract over servers that others make, but for what it declares they lack. */
function conformance(provider: Provider, upstream: () => Upstream): void {
  describeAdapter(`the s3 adapter over ${provider}`, async () => {
    const { s3_url, region, access_key, secret_key } = upstream();
    const adapter = await openS3Adapter({
      name: provider,
      endpoint: s3_url,
      region,
      provider,
      credentials: async () => ({ accessKeyId: access_key, secretAccessKey: secret_key }),
    });
    return { adapter, close: () => adapter.close() };
  });
}

describeUpstream(
  'minio',
  async (options) => ({ ...(await startMinio(options)), region: 'us-east-1' }),
  (upstream) => conformance('minio', upstream),
);
describeUpstream('versitygw', startVersitygw, (upstream) => conformance('versitygw', upstream));
describeUpstream('garage', startGarage, (upstream) => conformance('garage', upstream));
