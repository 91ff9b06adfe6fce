import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestListener, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createDoor, type Door } from './door.js';
import { type Exchange, nameOperation, requestIdOf } from './exchange.js';
import { createRequestStats } from './request-stats.js';

let door: Door | undefined;

afterEach(async () => {
  await door?.drain(0);
  door = undefined;
});

async function open(handler: RequestListener, on_end?: (exchange: Exchange) => void): Promise<number> {
  door = createDoor({ name: 'test', ...(on_end ? { on_end } : {}) });
  door.serverFactory(handler);
  return (await door.listen({ host: '127.0.0.1', port: 0 })).port;
}

function opened(): Door {
  if (door === undefined) throw new Error('no door');
  return door;
}

/** A promise and the function that settles it. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let release = () => {};
  const passed = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { passed, open: () => release() };
}

async function get(
  port: number,
  agent: Agent,
): Promise<{ status: number; connection: string | undefined; text: string }> {
  const outgoing = request({ port, agent, host: '127.0.0.1', path: '/' });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, connection: response.headers.connection, text };
}

async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

describe('a door that drains', () => {
  it('finishes what is under way and tells clients to go', async () => {
    const release = gate();
    const arrived = gate();
    const port = await open(async (_request, response) => {
      arrived.open();
      await release.passed;
      response.end('done');
    });
    const agent = new Agent({ keepAlive: true });
    const answer = get(port, agent);
    await arrived.passed;
    const drained = opened().drain(5_000);
    release.open();
    expect(await answer).toEqual({ status: 200, connection: 'close', text: 'done' });
    expect(await drained).toEqual({ cut_requests: 0 });
    agent.destroy();
  });

  it('still answers a request that arrives on an open connection', async () => {
    const port = await open((_request, response) => response.end('ok'));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await get(port, agent)).toMatchObject({ connection: 'keep-alive' });
    const drained = opened().drain(5_000);
    await nextTurn();
    await nextTurn();
    expect(await get(port, agent)).toEqual({ status: 200, connection: 'close', text: 'ok' });
    expect(await drained).toEqual({ cut_requests: 0 });
    agent.destroy();
  });

  it('takes no new connections', async () => {
    const release = gate();
    const arrived = gate();
    const port = await open(async (_request, response) => {
      arrived.open();
      await release.passed;
      response.end();
    });
    const agent = new Agent({ keepAlive: true });
    const answer = get(port, agent);
    await arrived.passed;
    const drained = opened().drain(5_000);
    await nextTurn();
    await nextTurn();
    await expect(get(port, new Agent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    release.open();
    await answer;
    await drained;
    agent.destroy();
  });

  it('closes connections on which nothing comes', async () => {
    const port = await open((_request, response) => response.end('ok'));
    const silent = await rawSocket(port);
    const idle = await rawSocket(port);
    idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(idle, 'data');
    const closed = Promise.all([once(silent.resume(), 'end'), once(idle.resume(), 'end')]);
    expect(await opened().drain(5_000)).toEqual({ cut_requests: 0 });
    await closed;
  });

  it('cuts what is still under way when the grace period ends', async () => {
    const arrived = gate();
    const port = await open(() => arrived.open());
    const answer = get(port, new Agent()).catch((error: NodeJS.ErrnoException) => error.code);
    await arrived.passed;
    expect(await opened().drain(50)).toEqual({ cut_requests: 1 });
    expect(await answer).toBe('ECONNRESET');
  });

  it('resets none of many requests that keep coming', async () => {
    const port = await open((_request, response) => setImmediate(() => response.end('ok')));
    const failures: string[] = [];
    let answered = 0;
    const busy = gate();
    const client = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        try {
          await get(port, agent);
          if (++answered === 200) busy.open();
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code !== 'ECONNREFUSED') failures.push(String(code));
          return agent.destroy();
        }
      }
    };
    const clients = Array.from({ length: 16 }, client);
    await busy.passed;
    expect(await opened().drain(5_000)).toEqual({ cut_requests: 0 });
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(200);
  });
});

describe('a door that serves', () => {
  it('gives each request an id and says how it went', async () => {
    const ids: string[] = [];
    const ended: Exchange[] = [];
    const stats = createRequestStats('test');
    const port = await open(
      (_request, response) => {
        ids.push(requestIdOf(response));
        nameOperation(response, 'Test"Op');
        response.statusCode = 201;
        response.end('x');
      },
      (exchange) => {
        ended.push(exchange);
        stats.record(exchange);
      },
    );
    const agent = new Agent({ keepAlive: true });
    await get(port, agent);
    await get(port, agent);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^[0-9A-F]{16}$/);
    expect(ended.map(({ request_id }) => request_id)).toEqual(ids);
    const lines = stats.render();
    expect(lines).toContain('backup_node_requests_total{door="test",operation="Test\\"Op",status="201"} 2');
    expect(lines).toContain(
      'backup_node_request_duration_seconds_bucket{door="test",operation="Test\\"Op",le="+Inf"} 2',
    );
    expect(opened().traffic()).toMatchObject({ open_connections: 1, active_requests: 0 });
    expect(opened().traffic().received_bytes).toBeGreaterThan(50);
    agent.destroy();
  });

  it('refuses headers beyond the limit', async () => {
    const port = await open((_request, response) => response.end());
    const socket = await rawSocket(port);
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40 * 1024)}\r\n\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1.1 431 /);
    socket.destroy();
  });

  it('says why it cannot listen', async () => {
    const port = await open((_request, response) => response.end());
    const other = createDoor({ name: 'other' });
    other.serverFactory(() => {});
    await expect(other.listen({ host: '127.0.0.1', port })).rejects.toThrow(
      `cannot listen on 127.0.0.1 port ${port}: it is in use by another program`,
    );
  });
});
