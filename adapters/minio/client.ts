import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Client } from 'minio';
import type { StoreError } from '../contract/index.js';
import type { CredentialSource } from '../s3/credential-source.js';
import { answerError, toStoreError } from '../s3/errors.js';
import type { S3AdapterOptions } from '../s3/options.js';

/** What the clients of a MinIO need to know of it. */
export type MinioOptions = Omit<S3AdapterOptions, 'credentials'> & {
  readonly endpoint: string;
  readonly credentials: CredentialSource;
};

/** Each address of the same store: any node of a cluster serves all of it. */
export function addressesOf(options: MinioOptions): MinioOptions[] {
  const addresses = [options.endpoint, ...(options.fallback_endpoints ?? [])];
  return addresses.map((endpoint) => ({ ...options, endpoint }));
}

/** What a client throws, as the s3 adapter has it. */
export function failureOf(error: unknown): StoreError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return REFUSALS.has(String(code)) ? answerError(403, String(code), String(message)) : toStoreError(error);
}

const REFUSALS = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch']);

/** A client with the credentials of this moment and connections of its own; `close` cuts what is under way. */
export interface OpenClient {
  readonly client: Client;
  close(): void;
}

export async function openClient(options: MinioOptions, signal?: AbortSignal): Promise<OpenClient> {
  const { accessKeyId, secretAccessKey, sessionToken } = await options.credentials.get(signal);
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
