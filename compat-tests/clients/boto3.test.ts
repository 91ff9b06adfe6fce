import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DOMAIN, describeClient } from '../support/client.js';
import { type Feature, LACKABLE, lacks } from '../support/mounts.mjs';

const SCRIPT = fileURLToPath(new URL('boto3_checks.py', import.meta.url));

/** Checks that not every storage can pass. */
const NEEDS: Readonly<Record<string, readonly Feature[]>> = {
  a_file_and_a_folder_of_one_name: ['nested'],
  conditional_writes: ['conditional_put'],
  odd_keys: ['key_rules'],
  tags_and_metadata_in_unicode: ['any_tags'],
  versions: ['versioning'],
};

describeClient('boto3', { tools: ['python'], mounts: ['local', 'minio', 'generic'] }, (client) => {
  const names = [...readFileSync(SCRIPT, 'utf8').matchAll(/^def check_(\w+)\(/gm)].map(
    (match) => match[1] ?? '',
  );

  // A MinIO that is spoken to directly does not refuse what it cannot hold.
  const over_node = process.env.COMPAT_SERVER === undefined;
  const missing = LACKABLE.filter((feature) => over_node && lacks(client.mount, feature)).join(' ');

  for (const name of names) {
    client.needing(...(NEEDS[name] ?? []))(name, async () => {
      await client.run('python', [SCRIPT, name], { env: { COMPAT_DOMAIN: DOMAIN, COMPAT_LACKS: missing } });
    });
  }
});
