import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Client } from 'minio';
import { StoreError } from '../contract/index.js';
import type { S3AdapterOptions } from '../s3/options.js';

export type MinioOptions = S3AdapterOptions & { readonly endpoint: string };

/** Each address of the same store: any node of a cluster serves all of it. */
export function addressesOf(options: MinioOptions): MinioOptions[] {
  const addresses = [options.endpoint, ...(options.fallback_endpoints ?? [])];
  return addresses.map((endpoint) => ({ ...options, endpoint }));
}

/** A client with the credentials of this moment and connections of its own; `close` cuts what is under way. */
export interface OpenClient {
  readonly client: Client;
  close(): void;
}

export async function openClient(options: MinioOptions): Promise<OpenClient> {
  if (options.credentials === undefined) {
    throw new StoreError('access_denied', 'no credentials are configured', { subject: 'adapter' });
  }
  const { accessKeyId, secretAccessKey, sessionToken } = await options.credentials();
  const url = new URL(options.endpoint);
  const secure = url.protocol === 'https:';
  const agent = secure
    ? new HttpsAgent({ ...(options.ca === undefined ? {} : { ca: options.ca }) })
    : new HttpAgent();
  const client = new Client({
    endPoint: url.hostname,
    port: Number(url.port) || (secure ? 443 : 80),
    useSSL: secure,
    accessKey: accessKeyId,
    secretKey: secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    region: options.region,
    pathStyle: true,
    transportAgent: agent,
    // Who calls repeats by itself, and knows when.
    retryOptions: { disableRetry: true },
  });
  return { client, close: () => agent.destroy() };
}
