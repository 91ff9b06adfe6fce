import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientContext } from '../support/client.js';

/** The words in which tests of aws-cli are written. */
export function awsCli(client: ClientContext) {
  const aws = (...args: string[]) => client.run('aws', args);
  const s3 = (...args: string[]) => aws('s3', ...args);
  const api = async (...args: string[]) => {
    const { text } = await aws('s3api', ...args, '--output', 'json');
    return text.trim() === '' ? {} : JSON.parse(text);
  };
  const fails = async (...args: string[]) => (await client.run('aws', args, { accept: [1, 254, 255] })).error;
  const file = async (name: string, data: Buffer) => {
    const path = join(client.folder, name);
    await writeFile(path, data);
    return path;
  };
  const download = async (bucket: string, key: string, ...extra: string[]) => {
    const path = join(client.folder, 'downloaded');
    await api('get-object', '--bucket', bucket, '--key', key, ...extra, path);
    return readFile(path);
  };
  return { aws, s3, api, fails, file, download };
}
