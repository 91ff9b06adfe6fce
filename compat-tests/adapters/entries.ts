import type { RemoteEntry } from '../../adapters/open.js';
import type { Provider } from '../../adapters/s3/providers.js';
import { startMinio } from '../support/minio.mjs';
import type { Upstream } from '../support/upstream.mjs';

/** What the configuration would say of a server that was started for a test. */
export function entryOf(type: 's3' | 'minio', provider: Provider, upstream: Upstream): RemoteEntry {
  const { s3_url, region, access_key, secret_key } = upstream;
  const credentials = { accessKeyId: access_key, secretAccessKey: secret_key };
  return { type, name: provider, endpoint: s3_url, region, provider, credentials: async () => credentials };
}

export async function startMinioUpstream(options: { binary: string; folder: string }): Promise<Upstream> {
  return { ...(await startMinio(options)), region: 'us-east-1' };
}
