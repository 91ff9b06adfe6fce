import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ClientContext, describeClient } from '../support/client.js';
import { bytes, MIB, md5 } from '../support/data.js';
import { run } from '../support/process.mjs';

/** What was stored in MinIO before the node came: a bucket that the node finds there. */
const FOUND = 'photos';
const FILES: Readonly<Record<string, Buffer>> = {
  'one.txt': bytes(1_000, 1),
  'deep/two words.bin': bytes(70_000, 2),
  'deep/er/zwölf+12': bytes(300_000, 3),
  'deep/er/100%': bytes(10, 4),
  'large.bin': bytes(17 * MIB + 5, 5),
};

async function writeTree(folder: string, files: Readonly<Record<string, Buffer>>): Promise<string> {
  for (const [name, data] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), data);
  }
  return folder;
}

/** MinIO itself as `minio`, the node before it as `node`, for both tools. */
function toolsOf(client: ClientContext) {
  const sides = () => [['minio', client.upstream] as const, ['node', client.server] as const];
  const mc = async (...args: string[]) => {
    const hosts = sides().map(([name, { s3_url, access_key, secret_key }]) => [
      `MC_HOST_${name}`,
      s3_url.replace('://', `://${access_key}:${secret_key}@`),
    ]);
    const config = ['--config-dir', join(client.folder, '.mc'), '--disable-pager', '--json'];
    const { text } = await client.run('mc', [...config, ...args], { env: Object.fromEntries(hosts) });
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };
  const rclone = async (...args: string[]) => {
    const env: Record<string, string> = { RCLONE_CONFIG: '/dev/null' };
    for (const [name, { s3_url, access_key, secret_key }] of sides()) {
      const remote = {
        TYPE: 's3',
        PROVIDER: 'Other',
        ENDPOINT: s3_url,
        ACCESS_KEY_ID: access_key,
        SECRET_ACCESS_KEY: secret_key,
        REGION: 'us-east-1',
      };
      for (const [key, value] of Object.entries(remote))
        env[`RCLONE_CONFIG_${name.toUpperCase()}_${key}`] = value;
    }
    return client.run('rclone', ['--retries=1', '--low-level-retries=1', ...args], { env });
  };
  return { mc, rclone };
}

describeClient(
  'leaving MinIO: a node with a disk of its own, and MinIO as it is,',
  { tools: ['mc', 'rclone', 'aws'], mounts: ['minio'], local_buckets: 'disk-*' },
  (client) => {
    const { mc, rclone } = toolsOf(client);
    const s3 = (...args: string[]) => client.run('aws', ['s3', ...args]);

    beforeAll(async () => {
      const tree = await writeTree(join(client.folder, 'tree'), FILES);
      await mc('mb', `minio/${FOUND}`);
      await mc('mirror', tree, `minio/${FOUND}`);
      const attributes = ['--attr', 'Content-Type=text/x-own;colour=blue', '--tags', 'kind=test'];
      await mc('cp', ...attributes, join(tree, 'one.txt'), `minio/${FOUND}/attributed`);
      // mc takes an object for changed that is younger than its copy, and S3 tells times in whole seconds.
      await delay(1_100);
    });

    test('what lies in MinIO is seen through the node as it is', async () => {
      const names = (await mc('ls', 'node')).map(({ key }) => key);
      expect(names).toContain(`${FOUND}/`);
      await rclone('check', '--download', `minio:${FOUND}`, `node:${FOUND}`);
      expect((await mc('stat', `node/${FOUND}/attributed`))[0]).toMatchObject({
        etag: md5(bytes(1_000, 1)),
        metadata: { 'Content-Type': 'text/x-own', 'X-Amz-Meta-Colour': 'blue' },
      });
    });

    describe('mc mirror', () => {
      test('from MinIO to the disk of the node', async () => {
        await mc('mb', 'node/disk-mirror');
        await mc('mirror', `minio/${FOUND}`, 'node/disk-mirror');
        expect(await mc('diff', `minio/${FOUND}`, 'node/disk-mirror')).toEqual([]);
        await rclone('check', '--download', `minio:${FOUND}`, 'node:disk-mirror');
        expect((await mc('stat', 'node/disk-mirror/attributed'))[0]).toMatchObject({
          metadata: { 'Content-Type': 'text/x-own', 'X-Amz-Meta-Colour': 'blue' },
        });
      });

      test('what changed since then follows', async () => {
        const more = await writeTree(join(client.folder, 'more'), {
          'one.txt': bytes(2_000, 6),
          new: bytes(9),
        });
        await mc('mirror', '--overwrite', more, `minio/${FOUND}`);
        await mc('rm', `minio/${FOUND}/deep/er/100%`);
        await mc('mirror', '--overwrite', '--remove', `minio/${FOUND}`, 'node/disk-mirror');
        await rclone('check', '--download', `minio:${FOUND}`, 'node:disk-mirror');
      });

      test('and back to MinIO', async () => {
        await mc('mb', 'minio/back');
        await mc('mirror', 'node/disk-mirror', 'minio/back');
        await rclone('check', '--download', 'node:disk-mirror', 'minio:back');
      });
    });

    describe('rclone sync between the mounts, copied by the node', () => {
      // By checksum, as rclone advises between two S3: what others wrote carries no time of its own.
      const parts = ['--checksum', '--s3-copy-cutoff=6Mi', '--s3-chunk-size=6Mi'];

      test('from MinIO to the disk', async () => {
        const { error } = await rclone('sync', '-v', ...parts, `node:${FOUND}`, 'node:disk-sync');
        expect(error).toContain('server-side copy');
        await rclone('check', '--download', `minio:${FOUND}`, 'node:disk-sync');
        const again = await rclone('sync', '-v', ...parts, `node:${FOUND}`, 'node:disk-sync');
        expect(again.error).not.toContain('Copied');
      });

      test('from the disk to MinIO', async () => {
        await rclone('sync', ...parts, 'node:disk-sync', 'node:synced');
        await rclone('check', '--download', 'node:disk-sync', 'minio:synced');
      });
    });

    test('aws s3 sync between the mounts, and what is gone is removed', async () => {
      await s3('mb', 's3://disk-aws');
      await s3('sync', `s3://${FOUND}`, 's3://disk-aws');
      await rclone('check', '--download', `minio:${FOUND}`, 'node:disk-aws');
      await s3('rm', `s3://${FOUND}/new`);
      await s3('sync', '--delete', `s3://${FOUND}`, 's3://disk-aws');
      await rclone('check', '--download', `minio:${FOUND}`, 'node:disk-aws');
      const target = join(client.folder, 'aws-target');
      await s3('sync', 's3://disk-aws', target);
      await run('cmp', [join(target, 'large.bin'), join(client.folder, 'tree', 'large.bin')]);
    });
  },
);
