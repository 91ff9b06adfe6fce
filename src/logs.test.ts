import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLogs } from './logs.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logs-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function linesOf(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('the log', () => {
  it('has one JSON object a line, from the level that was asked for', async () => {
    const file = join(folder, 'sub', 'node.log');
    const { logger, flush } = await openLogs({ level: 'WARNING', file, terminal: false });
    logger.info('not this');
    logger.warn({ request_id: 'A1' }, 'this');
    logger.error({ err: new Error('broken') }, 'and this');
    flush();
    const lines = linesOf(file);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ level: 'warn', request_id: 'A1', msg: 'this' });
    expect(lines[1]).toMatchObject({ level: 'error', err: { message: 'broken' } });
  });

  it('never holds a secret, wherever it stands', async () => {
    const file = join(folder, 'node.log');
    const { logger, flush } = await openLogs({ level: 'debug', file, terminal: false });
    const secret = 'hunter2-hunter2';
    logger.info({
      secret_key: secret,
      config: { users: [{ name: 'a', secret_key: secret }], cluster_secret: secret },
    });
    logger.info({
      headers: { authorization: secret, 'x-amz-security-token': secret, 'X-Amz-Signature': secret },
    });
    logger.child({ request_id: 'B2', token: secret }).info({ credentials: { secret_key: secret } }, 'text');
    flush();
    expect(readFileSync(file, 'utf8')).not.toContain('hunter2');
    expect(linesOf(file)).toHaveLength(3);
    expect(linesOf(file)[2]).toMatchObject({ request_id: 'B2', credentials: '[hidden]' });
  });

  it('is begun anew after it was moved away', async () => {
    const file = join(folder, 'node.log');
    const { logger, reopen, flush } = await openLogs({ level: 'info', file, terminal: false });
    logger.info('before');
    renameSync(file, `${file}.1`);
    reopen();
    logger.info('after');
    flush();
    expect(linesOf(`${file}.1`).map(({ msg }) => msg)).toEqual(['before']);
    expect(linesOf(file).map(({ msg }) => msg)).toEqual(['after']);
  });

  it('says which file it cannot write', async () => {
    const file = join(folder, 'node.log', 'x');
    await openLogs({ level: 'info', file: join(folder, 'node.log'), terminal: false });
    await expect(openLogs({ level: 'info', file, terminal: false })).rejects.toThrow(
      `monitoring.log_file: ${file} cannot be written`,
    );
  });
});
