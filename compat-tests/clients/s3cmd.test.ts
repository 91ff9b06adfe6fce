import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';
import type { RunOptions } from '../support/process.mjs';

describeClient('s3cmd', { tools: ['s3cmd'], mounts: ['local', 'minio'] }, (client) => {
  const BUCKET = 's3cmd-bucket';
  const s3cmd = (args: string[], options: RunOptions = {}) => {
    const { server } = client;
    const { host } = new URL(server.s3_url);
    const connection = [
      `--host=${host}`,
      `--host-bucket=${host}`,
      '--no-ssl',
      '--no-progress',
      '--region=us-east-1',
    ];
    const keys = [`--access_key=${server.access_key}`, `--secret_key=${server.secret_key}`];
    return client.run('s3cmd', ['--config=/dev/null', ...connection, ...keys, ...args], options);
  };
  const file = async (name: string, data: Buffer) => {
    const path = join(client.folder, name);
    await writeFile(path, data);
    return path;
  };
  const read = async (uri: string) => {
    const path = join(client.folder, 's3cmd-back');
    await s3cmd(['get', '--force', uri, path]);
    return readFile(path);
  };

  beforeAll(async () => {
    await s3cmd(['mb', `s3://${BUCKET}`]);
  });

  test('put, info, get', async () => {
    const data = bytes(70_000);
    await s3cmd([
      'put',
      '--add-header=x-amz-meta-colour:blue',
      await file('a.txt', data),
      `s3://${BUCKET}/a.txt`,
    ]);
    const info = (await s3cmd(['info', `s3://${BUCKET}/a.txt`])).text;
    expect(info).toMatch(/File size:\s+70000/);
    expect(info).toContain(md5(data));
    expect(info).toMatch(/x-amz-meta-colour:\s*blue/);
    expect(await read(`s3://${BUCKET}/a.txt`)).toEqual(data);
  });

  test('put in parts', async () => {
    const data = bytes(12 * MIB + 17, 2);
    await s3cmd(['put', '--multipart-chunk-size-mb=5', await file('parts', data), `s3://${BUCKET}/parts`]);
    expect(sha256(await read(`s3://${BUCKET}/parts`))).toBe(sha256(data));
  });

  test('put from standard input', async () => {
    const data = bytes(6 * MIB, 3);
    await s3cmd(['put', '--multipart-chunk-size-mb=5', '-', `s3://${BUCKET}/piped`], { input: data });
    expect(sha256(await read(`s3://${BUCKET}/piped`))).toBe(sha256(data));
  });

  test('get of a range continues a download', async () => {
    const data = bytes(50_000, 4);
    await s3cmd(['put', await file('whole', data), `s3://${BUCKET}/whole`]);
    const half = await file('half', data.subarray(0, 20_000));
    await s3cmd(['get', '--continue', `s3://${BUCKET}/whole`, half]);
    expect(await readFile(half)).toEqual(data);
  });

  test('cp and mv on the server', async () => {
    const data = bytes(3_000, 5);
    await s3cmd(['put', await file('source', data), `s3://${BUCKET}/source`]);
    await s3cmd(['cp', `s3://${BUCKET}/source`, `s3://${BUCKET}/copied`]);
    await s3cmd(['mv', `s3://${BUCKET}/source`, `s3://${BUCKET}/moved here`]);
    expect(await read(`s3://${BUCKET}/copied`)).toEqual(data);
    expect(await read(`s3://${BUCKET}/moved here`)).toEqual(data);
    expect((await s3cmd(['ls', `s3://${BUCKET}/source`])).text).toBe('');
  });

  test('modify replaces metadata', async () => {
    await s3cmd(['put', await file('m', bytes(10)), `s3://${BUCKET}/m`]);
    await s3cmd(['modify', '--add-header=x-amz-meta-colour: green', `s3://${BUCKET}/m`]);
    expect((await s3cmd(['info', `s3://${BUCKET}/m`])).text).toMatch(/x-amz-meta-colour:\s*green/);
    expect(await read(`s3://${BUCKET}/m`)).toEqual(bytes(10));
  });

  test('ls, la and du', async () => {
    for (const name of ['l/1', 'l/2', 'l/sub/3'])
      await s3cmd(['put', await file('x', bytes(100)), `s3://${BUCKET}/${name}`]);
    const names = (text: string) =>
      text.match(/s3:\/\/\S+/g)?.map((uri) => uri.slice(`s3://${BUCKET}/`.length));
    expect(names((await s3cmd(['ls', `s3://${BUCKET}/l/`])).text)).toEqual(['l/sub/', 'l/1', 'l/2']);
    expect(names((await s3cmd(['ls', '--recursive', `s3://${BUCKET}/l/`])).text)).toEqual([
      'l/1',
      'l/2',
      'l/sub/3',
    ]);
    expect((await s3cmd(['la', '--recursive'])).text).toContain(`s3://${BUCKET}/l/1`);
    expect((await s3cmd(['du', `s3://${BUCKET}/l/`])).text).toMatch(/^\s*300\s+3 objects/);
  });

  test('sync up and down, with deletion of what is gone', async () => {
    const source = join(client.folder, 'source-tree');
    await mkdir(join(source, 'sub dir'), { recursive: true });
    const names = ['one', 'sub dir/zwei ü', 'sub dir/3+3'];
    for (const [index, name] of names.entries()) await writeFile(join(source, name), bytes(2_000, index));
    await s3cmd(['sync', `${source}/`, `s3://${BUCKET}/tree/`]);
    const target = join(client.folder, 'target-tree');
    await mkdir(target);
    await s3cmd(['sync', `s3://${BUCKET}/tree/`, `${target}/`]);
    for (const [index, name] of names.entries())
      expect(await readFile(join(target, name))).toEqual(bytes(2_000, index));
    await writeFile(join(target, 'one'), bytes(10, 9));
    await s3cmd(['sync', '--delete-removed', `${target}/`, `s3://${BUCKET}/tree/`]);
    expect(await read(`s3://${BUCKET}/tree/one`)).toEqual(bytes(10, 9));
  });

  test('signurl gives a link that anybody can read', async () => {
    const { text } = await s3cmd(['signurl', `s3://${BUCKET}/a.txt`, '+600', '--signature-v2'], {
      accept: [0, 64],
    });
    // s3cmd signs links with the old signature only: a server that has it off must say so.
    if (text.startsWith('http')) expect([200, 400, 403]).toContain((await fetch(text.trim())).status);
  });

  describe('odd keys', () => {
    const keys = ODD_KEYS.filter((key) => !key.endsWith('/'));
    client.eachKey(keys, async (key) => {
      const data = bytes(222, key.length);
      await s3cmd(['put', await file('odd', data), `s3://${BUCKET}/odd/${key}`]);
      expect(await read(`s3://${BUCKET}/odd/${key}`)).toEqual(data);
    });
  });

  test('del, del --recursive, rb', async () => {
    await s3cmd(['del', `s3://${BUCKET}/a.txt`]);
    expect((await s3cmd(['ls', `s3://${BUCKET}/a.txt`])).text).toBe('');
    const refused = await s3cmd(['rb', `s3://${BUCKET}`], { accept: [13] });
    expect(refused.error).toContain('BucketNotEmpty');
    await s3cmd(['del', '--recursive', '--force', `s3://${BUCKET}`]);
    await s3cmd(['rb', `s3://${BUCKET}`]);
    expect((await s3cmd(['ls'])).text).not.toContain(BUCKET);
  });
});
