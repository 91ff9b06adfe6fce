import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Adapter } from '../../contract/index.js';
import { openS3Adapter } from '../open-s3-adapter.js';
import type { S3AdapterOptions } from '../options.js';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An upstream that does what the test says: real servers do not fail on demand. */
export async function overUpstream(
  handler: Handler,
  work: (adapter: Adapter, opened_with: S3AdapterOptions) => Promise<void>,
  options: Partial<S3AdapterOptions> = {},
  open: (options: S3AdapterOptions) => Promise<Adapter> = openS3Adapter,
): Promise<void> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const all_options: S3AdapterOptions = {
    name: 'bad',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    provider: 'minio',
    credentials: async () => ({ accessKeyId: 'key', secretAccessKey: 'secret' }),
    ...options,
  };
  const adapter = await open(all_options);
  try {
    await work(adapter, all_options);
  } finally {
    server.closeAllConnections();
    await Promise.all([adapter.close(), close(server)]);
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
