import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  FIRST_CERTIFICATE,
  FIRST_KEY,
  SECOND_CERTIFICATE,
  SECOND_KEY,
} from '../http/testing/certificates.js';
import { ensureBuilt, makeWorkplace, type Workplace } from './testing/run-node.js';

let place: Workplace;

beforeAll(ensureBuilt);
beforeEach(() => {
  place = makeWorkplace();
});
afterEach(() => place.clear());

interface Answer {
  readonly status: number;
  readonly closing: boolean;
}

async function storeShard(api_url: string, agent: Agent, shard_id: string): Promise<Answer> {
  const data = Buffer.from(`content of ${shard_id}`);
  const body = JSON.stringify({
    shard_id,
    shard_data: data.toString('base64'),
    original_hash: createHash('sha256').update(data).digest('hex'),
  });
  const outgoing = request(`${api_url}/api/v1/shards/store`, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
  return { status: response.statusCode ?? 0, closing: response.headers.connection === 'close' };
}

async function waitFor(done: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await done())) await nextTurn();
}

describe('SIGTERM while clients write', () => {
  it('resets nobody, and loses nothing that was acknowledged', async () => {
    const node = await place.start();
    const stored: string[] = [];
    const failures: unknown[] = [];
    const client = async (name: number) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        for (let count = 0; ; count++) {
          const id = `${name}-${count}`;
          const { status } = await storeShard(node.api_url, agent, id);
          if (status === 200) stored.push(id);
          else failures.push(status);
        }
      } catch (error) {
        // Refused: the listener is closed, and that is what a client may see.
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ECONNREFUSED') failures.push(code);
      }
      agent.destroy();
    };
    const clients = Array.from({ length: 8 }, (_, name) => client(name));
    await waitFor(() => stored.length >= 100);
    node.process.kill('SIGTERM');
    await Promise.all(clients);
    expect(await node.ended()).toBe(0);
    expect(failures).toEqual([]);

    const again = await place.start();
    const list = (await (await fetch(`${again.api_url}/api/v1/shards`)).json()) as {
      shards: { shard_id: string }[];
    };
    const there = new Set(list.shards.map(({ shard_id }) => shard_id));
    expect(stored.filter((id) => !there.has(id))).toEqual([]);
  });
});

describe('SIGTERM after a body was refused', () => {
  it('ends the process: nothing waits for the rest of that body', async () => {
    const node = await place.start();
    const client = connectPlain({ host: '127.0.0.1', port: Number(new URL(node.s3_url).port) });
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    const piece = Buffer.alloc(1024 ** 2);
    const send = () => {
      while (!client.destroyed && client.write(piece));
    };
    client.on('error', () => {}).on('drain', send);
    client.resume();
    client.write(`PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${1024 ** 4}\r\n\r\n`);
    send();
    await closed;
    node.process.kill('SIGTERM');
    expect(await node.ended()).toBe(0);
  });
});

describe('SIGHUP', () => {
  const shownBy = async (url: string) => {
    const { hostname, port } = new URL(url);
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;
  const writePair = (certificate: string, key: string) => {
    writeFileSync(join(place.folder, 'node.crt'), certificate);
    writeFileSync(join(place.folder, 'node.key'), key);
  };
  const env = { BACKUP_NODE_TLS__CERTIFICATE_FILE: 'node.crt', BACKUP_NODE_TLS__KEY_FILE: 'node.key' };

  it('puts a new certificate on both doors, which the commands know too', async () => {
    writePair(FIRST_CERTIFICATE, FIRST_KEY);
    const node = await place.start([], env);
    expect(node.s3_url).toMatch(/^https:/);
    expect(await shownBy(node.api_url)).toBe(fingerprint(FIRST_CERTIFICATE));
    expect((await place.run(['status'])).code).toBe(0);

    writePair(SECOND_CERTIFICATE, SECOND_KEY);
    node.process.kill('SIGHUP');
    for (const url of [node.api_url, node.s3_url]) {
      await waitFor(async () => (await shownBy(url)) === fingerprint(SECOND_CERTIFICATE));
    }
    expect((await place.run(['stop'])).code).toBe(0);
    expect(await node.ended()).toBe(0);
  });

  it('keeps the old certificate where the new one cannot be used', async () => {
    writePair(FIRST_CERTIFICATE, FIRST_KEY);
    const node = await place.start([], env);
    writePair(FIRST_CERTIFICATE, SECOND_KEY);
    node.process.kill('SIGHUP');
    const log = join(place.folder, 'logs/backup_node.log');
    await waitFor(() => readFileSync(log, 'utf8').includes('could not be read again'));
    expect(await shownBy(node.api_url)).toBe(fingerprint(FIRST_CERTIFICATE));
    writePair('no certificate', 'no key');
    expect((await place.run(['stop'])).code).toBe(0);
    expect(await node.ended()).toBe(0);
  });

  it('begins the log anew after it was moved away', async () => {
    const node = await place.start();
    const log = join(place.folder, 'logs/backup_node.log');
    renameSync(log, `${log}.1`);
    node.process.kill('SIGHUP');
    await waitFor(() => existsSync(log));
    await place.run(['stop']);
    expect(readFileSync(log, 'utf8')).toContain('"msg":"stopped"');
    expect(readFileSync(`${log}.1`, 'utf8')).not.toContain('"msg":"stopped"');
  });
});

describe('the log of a node', () => {
  it('knows a request by the id that its answer had, and hides what a presigned URL carries', async () => {
    const node = await place.start(['--dev-mode']);
    const signature = 'f'.repeat(64);
    const answer = await fetch(
      `${node.s3_url}/bucket/key?X-Amz-Signature=${signature}&X-Amz-Algorithm=AWS4-HMAC-SHA256`,
    );
    const id = answer.headers.get('x-amz-request-id');
    await answer.text();
    await place.run(['stop']);
    const text = readFileSync(join(place.folder, 'logs/backup_node.log'), 'utf8');
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ request_id }) => request_id === id)).toMatchObject({
      door: 's3',
      path: '/bucket/key',
    });
    expect(text).not.toContain(signature);
  });
});
