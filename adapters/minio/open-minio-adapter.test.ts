import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { openMinioAdapter } from './open-minio-adapter.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('asks the server with the credentials that the AWS SDK finds, where none are configured', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKFOUND');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_PROFILE', '');
  const server = createServer((request, response) => {
    if (request.url !== '/minio/admin/v3/info') return void response.end();
    const is_known = request.headers.authorization?.includes('Credential=AKFOUND/') === true;
    response.writeHead(is_known ? 200 : 403).end('{"mode":"online","servers":[{"version":"1.2"}]}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const minio = await openMinioAdapter({ name: 'lan', endpoint, region: 'us-east-1', provider: 'minio' });
  try {
    expect(await minio.inspect()).toMatchObject({ version: '1.2', mode: 'online' });
  } finally {
    await minio.adapter.close();
    server.closeAllConnections();
    server.close();
  }
});
