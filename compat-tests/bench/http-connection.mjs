import { connect } from 'node:net';

/**
 * A bare HTTP/1.1 client connection for load: one request at a time, one reused read buffer, no parsing
 * beyond what finds the end of an answer. On a machine shared with the server, what the client does not
 * spend is what is measured.
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {number} body_bytes
 * @property {Buffer | null} body kept only where asked for
 *
 * @typedef {object} Exchange
 * @property {Buffer} head request line and headers, with the blank line
 * @property {Buffer | null} [body] sent together with the head
 * @property {(socket: import('node:net').Socket) => Promise<void>} [send_body] for what is too large to hold
 * @property {boolean} [keep_body]
 *
 * @typedef {object} Connection
 * @property {(exchange: Exchange) => Promise<Answer>} exchange
 * @property {() => void} close
 */

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');
const EXCHANGE_TIMEOUT_MS = 120_000;

/** @param {string} head */
function parseHead(head) {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const status = Number(head.slice(9, 12));
  const bodiless = status === 204 || status === 304;
  return {
    status,
    length: bodiless ? 0 : length === undefined ? null : Number(length),
    chunked: /\r\ntransfer-encoding: *chunked/i.test(head),
  };
}

/**
 * @param {{ host: string, port: number, read_buffer_bytes?: number }} target
 * @returns {Promise<Connection>}
 */
export function openConnection({ host, port, read_buffer_bytes = 64 * 1024 }) {
  /** @type {Buffer} what came before the end of the head */
  let pending = Buffer.alloc(0);
  /** @type {{ status: number, length: number | null, chunked: boolean } | null} */
  let head = null;
  let body_bytes = 0;
  /** @type {Buffer} the last bytes of a chunked body, to see its end */
  let tail = Buffer.alloc(0);
  /** @type {Buffer[]} */
  let kept = [];
  /** @type {{ keep: boolean, resolve: (answer: Answer) => void, reject: (cause: Error) => void } | null} */
  let waiting = null;

  const finish = () => {
    const current = waiting;
    const answer = {
      status: head?.status ?? 0,
      body_bytes,
      body: current?.keep ? Buffer.concat(kept) : null,
    };
    waiting = null;
    head = null;
    body_bytes = 0;
    kept = [];
    tail = Buffer.alloc(0);
    current?.resolve(answer);
  };
  /** @param {Buffer} bytes */
  const onBody = (bytes) => {
    if (head === null) return;
    body_bytes += bytes.length;
    if (waiting?.keep) kept.push(Buffer.from(bytes));
    if (head.chunked) {
      tail = Buffer.concat([tail, bytes.subarray(-LAST_CHUNK.length)]).subarray(-LAST_CHUNK.length);
      if (tail.equals(LAST_CHUNK) || (body_bytes === 5 && tail.equals(LAST_CHUNK.subarray(2)))) finish();
    } else if (head.length !== null && body_bytes >= head.length) finish();
  };
  /** @param {Buffer} bytes */
  const onBytes = (bytes) => {
    if (head !== null) return onBody(bytes);
    const all = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    const end = all.indexOf(HEAD_END);
    if (end === -1) {
      pending = Buffer.from(all);
      return;
    }
    pending = Buffer.alloc(0);
    const parsed = parseHead(all.toString('latin1', 0, end));
    // 100 Continue comes before the answer proper.
    if (parsed.status === 100) return onBytes(all.subarray(end + HEAD_END.length));
    head = parsed;
    onBody(all.subarray(end + HEAD_END.length));
  };

  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(read_buffer_bytes),
        callback: (count, buffer) => {
          onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, count));
          return true;
        },
      },
    });
    socket.setTimeout(EXCHANGE_TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
    socket.once('error', reject);
    socket.on('close', () => waiting?.reject(new Error('connection closed before the answer ended')));
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      socket.on('error', (cause) => waiting?.reject(cause));
      resolve({
        close: () => socket.destroy(),
        exchange: ({ head: bytes, body, send_body, keep_body = false }) =>
          new Promise((answered, failed) => {
            waiting = { keep: keep_body, resolve: answered, reject: failed };
            socket.write(body ? Buffer.concat([bytes, body]) : bytes);
            send_body?.(socket).catch(failed);
          }),
      });
    });
  });
}
