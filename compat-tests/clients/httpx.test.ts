import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeClient } from '../support/client.js';

const SCRIPT = fileURLToPath(new URL('shard_api.py', import.meta.url));

const OVER = { tools: ['python'], shard_api: true, mounts: ['local', 'minio'] } as const;

describeClient('httpx on the shard API', OVER, (client) => {
  test('every call as it is documented', async () => {
    const { api_url } = client.server;
    if (api_url === null) throw new Error('the server has no shard API');
    const flags = client.mount === 'local' ? [] : ['--file-keys'];
    const { text } = await client.run('python', [SCRIPT, api_url, ...flags]);
    console.log(text);
    expect(text).toMatch(/^[1-9]\d* passed, 0 failed$/m);
  });
});

/** So small that the script fills it. */
describeClient(
  'httpx on a full node',
  { tools: ['python'], shard_api: true, config: { max_storage_gb: 0.05 } },
  (client) => {
    test('every call as it is documented', async () => {
      const { api_url } = client.server;
      if (api_url === null) throw new Error('the server has no shard API');
      const { text } = await client.run('python', [SCRIPT, api_url]);
      console.log(text);
      expect(text).toMatch(/^[1-9]\d* passed, 0 failed$/m);
    });
  },
);
