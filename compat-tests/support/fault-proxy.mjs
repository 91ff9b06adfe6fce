import { once } from 'node:events';
import { Agent, createServer, request as send } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What happens to a request on its way to an S3 server, or to its answer on the way back.
 * @typedef {(
 *   | { type: 'status', status: number, code: string, retry_after_seconds?: number, carried_out?: boolean }
 *   | { type: 'error-in-200', code: string }
 *   | { type: 'reset-request', after_bytes: number }
 *   | { type: 'reset-answer', after_bytes: number }
 *   | { type: 'truncated-answer', after_bytes: number }
 *   | { type: 'slow-answer', delay_ms: number }
 *   | { type: 'wrong-etag' }
 * )} Fault
 *
 * @typedef {object} Injection
 * @property {Fault} fault
 * @property {(request: { method: string, url: string }) => boolean} matches
 * @property {number} [times] Infinity by default
 *
 * @typedef {import('node:http').IncomingMessage} Incoming
 * @typedef {import('node:http').ServerResponse} Outgoing
 */

const WRONG_ETAG = `"${'0'.repeat(32)}"`;

/** @param {string} code */
const errorDocument = (code) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;

/**
 * A proxy on loopback that passes everything on as it is, but for what `inject` says. Signatures stay valid: the Host
 * header is passed on too.
 * @param {string} target_url `http://host:port`
 */
export async function startFaultProxy(target_url) {
  const { hostname, port } = new URL(target_url);
  const agent = new Agent({ keepAlive: true });
  /** @type {{ injection: Injection, left: number } | null} */
  let active = null;
  let injected_count = 0;

  /** @param {Incoming} request @returns {Fault | null} */
  const faultFor = ({ method = '', url = '' }) => {
    if (active === null || active.left === 0 || !active.injection.matches({ method, url })) return null;
    active.left -= 1;
    injected_count += 1;
    return active.injection.fault;
  };

  /** The request as it came, and the answer to it. @param {Incoming} request @param {number} bytes_max of the body */
  const forward = (request, bytes_max = Number.POSITIVE_INFINITY) => {
    const { method, url: path, headers } = request;
    const upward = send({ host: hostname, port, method, path, headers, agent, setHost: false });
    /** @type {Promise<Incoming>} */
    const answer = new Promise((resolve, reject) => {
      upward.once('response', resolve);
      upward.once('error', reject);
    });
    answer.catch(() => {});
    let passed_bytes = 0;
    request.on('data', (/** @type {Buffer} */ chunk) => {
      if (upward.destroyed) return;
      const piece = chunk.subarray(0, bytes_max - passed_bytes);
      passed_bytes += piece.length;
      if (!upward.write(piece)) {
        request.pause();
        upward.once('drain', () => request.resume());
      }
      if (passed_bytes < bytes_max) return;
      upward.destroy();
      request.socket.resetAndDestroy();
    });
    request.once('end', () => upward.end());
    request.once('close', () => {
      if (!request.complete) upward.destroy();
    });
    return answer;
  };

  /** @param {Incoming} answer @param {Outgoing} response @param {number} bytes_max @param {'end' | 'reset'} how */
  const cut = async (answer, response, bytes_max, how) => {
    const { socket } = response;
    if (Number(answer.headers['content-length'] ?? 0) <= bytes_max) {
      // Whole it would be a success: then the headers are cut.
      socket?.write('HTTP/1.1 200 OK\r\nContent-');
      answer.resume();
    } else {
      response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
      let left = bytes_max;
      for await (const chunk of answer) {
        if (!response.write(chunk.subarray(0, left)) && !response.destroyed) await once(response, 'drain');
        left -= chunk.length;
        if (left <= 0) break;
      }
    }
    // What was written is to arrive first; a reset would overtake it.
    await delay(5);
    if (how === 'end') socket?.destroySoon();
    else socket?.resetAndDestroy();
  };

  /** @param {Incoming} answer @param {Outgoing} response @param {Record<string, string>} [changed] */
  const pass = (answer, response, changed = {}) => {
    const headers = { ...answer.headers, ...changed };
    response.writeHead(answer.statusCode ?? 0, headers);
    answer.pipe(response);
    response.once('close', () => answer.destroy());
  };

  /** @param {Outgoing} response @param {number} status @param {string} text @param {Record<string, string>} [headers] */
  const reply = (response, status, text, headers = {}) => {
    const head = response.req.method === 'HEAD';
    response.writeHead(status, { 'content-type': 'application/xml', ...headers });
    response.end(head ? undefined : text);
  };

  /** @param {Incoming} request @param {Outgoing} response */
  const handle = async (request, response) => {
    const fault = faultFor(request);
    switch (fault?.type) {
      case undefined:
        return pass(await forward(request), response);
      case 'status': {
        if (fault.carried_out === true) for await (const _ of await forward(request));
        else for await (const _ of request);
        const { retry_after_seconds } = fault;
        const headers =
          retry_after_seconds === undefined ? {} : { 'retry-after': String(retry_after_seconds) };
        return reply(response, fault.status, errorDocument(fault.code), /** @type {{}} */ (headers));
      }
      case 'error-in-200':
        for await (const _ of request);
        return reply(response, 200, errorDocument(fault.code));
      case 'reset-request':
        if (request.method === 'PUT' || request.method === 'POST') await forward(request, fault.after_bytes);
        return void request.socket.resetAndDestroy();
      case 'reset-answer':
        return cut(await forward(request), response, fault.after_bytes, 'reset');
      case 'truncated-answer':
        return cut(await forward(request), response, fault.after_bytes, 'end');
      case 'slow-answer': {
        const answer = await forward(request);
        await delay(fault.delay_ms);
        return response.destroyed ? void answer.destroy() : pass(answer, response);
      }
      case 'wrong-etag':
        return pass(await forward(request), response, { etag: WRONG_ETAG });
    }
  };

  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let own_port = 0;
  /** @type {import('node:http').Server | null} */
  let server = null;
  const listen = async () => {
    server = createServer((request, response) => {
      handle(request, response).catch(() => response.destroy());
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    });
    server.listen(own_port, '127.0.0.1');
    await once(server, 'listening');
    own_port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  };
  const refuse = async () => {
    const closed = server === null ? undefined : once(server, 'close');
    server?.close();
    for (const socket of sockets) socket.destroy();
    await closed;
    server = null;
  };
  await listen();
  return {
    get url() {
      return `http://127.0.0.1:${own_port}`;
    },
    /** Connections of whoever speaks through the proxy. */
    get open_connections() {
      return sockets.size;
    },
    /** How often a fault came true. */
    get injected_count() {
      return injected_count;
    },
    /** In place of what was injected before. @param {Injection} injection */
    inject(injection) {
      active = { injection, left: injection.times ?? Number.POSITIVE_INFINITY };
    },
    calm() {
      active = null;
    },
    /** Ends all connections, and refuses new ones until `accept`. */
    refuse,
    accept: listen,
    async stop() {
      await refuse();
      agent.destroy();
    },
  };
}
