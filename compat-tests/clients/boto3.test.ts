import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { DOMAIN, describeClient } from '../support/client.js';

const SCRIPT = fileURLToPath(new URL('boto3_checks.py', import.meta.url));

describeClient('boto3', { tools: ['python'] }, (client) => {
  const names = [...readFileSync(SCRIPT, 'utf8').matchAll(/^def check_(\w+)\(/gm)].map(
    (match) => match[1] ?? '',
  );

  test.each(names)('%s', async (name) => {
    await client.run('python', [SCRIPT, name], { env: { COMPAT_DOMAIN: DOMAIN } });
  });
});
