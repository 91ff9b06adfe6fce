import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { endSlowExchanges } from './byte-rate.js';
import { type Exchange, openExchange } from './exchange.js';

let server: Server;
let client: Socket;
let exchange: Exchange;

/** Opens a request of which only the head and `sent` have come. */
async function openRequest(sent: string): Promise<void> {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrived = once(server, 'request');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${sent}`);
  const [request, response] = await arrived;
  exchange = openExchange(request, response);
  exchange.read_since = 0;
  exchange.written_since = 0;
}

beforeEach(() => openRequest('x'));
afterEach(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

/** What the schedule would do, `ms` after the request came: in whole numbers, from 0. */
const look = (ms: number) => endSlowExchanges([exchange], ms);

async function send(bytes: number): Promise<void> {
  const before = exchange.request.socket.bytesRead;
  client.write(Buffer.alloc(bytes));
  while (exchange.request.socket.bytesRead < before + bytes) await once(exchange.request, 'data');
}

describe('a body', () => {
  it('that does not come ends its connection after the window, not before', async () => {
    exchange.request.resume();
    expect(look(0)).toBe(0);
    expect(look(LIMITS.http_body_window_ms - 1)).toBe(0);
    const closed = once(client, 'close');
    expect(look(LIMITS.http_body_window_ms)).toBe(1);
    await closed;
  });

  it('that comes fast enough may take as long as it likes', async () => {
    exchange.request.on('data', () => {});
    const enough = Math.ceil((LIMITS.http_body_bytes_per_second_min * LIMITS.http_body_window_ms) / 1000);
    look(0);
    for (let window = 1; window <= 5; window++) {
      await send(enough + 1);
      expect(look(window * LIMITS.http_body_window_ms)).toBe(0);
    }
    expect(look(6 * LIMITS.http_body_window_ms)).toBe(1);
  });

  it('that we do not read is not held against the client', () => {
    exchange.request.pause();
    expect(look(0)).toBe(0);
    expect(look(10 * LIMITS.http_body_window_ms)).toBe(0);
  });
});

describe('an answer', () => {
  it('that nobody takes ends its connection', async () => {
    exchange.request.pause();
    client.pause();
    const block = Buffer.alloc(1024 * 1024);
    // More than the kernel's buffers hold.
    for (let count = 0; count < 16; count++) exchange.response.write(block);
    // Node 26 hands them to the socket at the end of the turn.
    await expect.poll(() => exchange.request.socket.writableLength).toBeGreaterThan(0);
    expect(look(0)).toBe(0);
    expect(look(LIMITS.http_answer_stall_ms_max - 1)).toBe(0);
    const closed = once(exchange.request.socket, 'close');
    expect(look(LIMITS.http_answer_stall_ms_max)).toBe(1);
    await closed;
  });
});
