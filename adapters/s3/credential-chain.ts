import { S3Client } from '@aws-sdk/client-s3';
import { LIMITS } from '../../config/limits.js';
import type { CredentialProvider } from './options.js';

/**
 * What the AWS SDK finds: in the environment, its files, by a process or a sign-on that these name, from the container or
 * the machine. The SDK keeps for ever what does not expire; a client of its own has found nothing yet.
 */
export function sdkChain(region: string): CredentialProvider {
  let client = openClient(region);
  return ({ anew = false } = {}) => {
    if (anew) {
      client.destroy();
      client = openClient(region);
    }
    return client.config.credentials();
  };
}

function openClient(region: string): S3Client {
  const options = {
    region,
    // Of the services that give credentials; the store itself is never asked by this client.
    requestHandler: {
      connectionTimeout: LIMITS.upstream_connect_timeout_ms,
      requestTimeout: LIMITS.upstream_credentials_wait_ms_max,
      throwOnRequestTimeout: true,
    },
    // Handed on to what reads the shared files (SourceProfileInit), which else does so once in a process.
    ignoreCache: true,
  };
  return new S3Client(options);
}
