import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { LIMITS } from '../../config/limits.js';
import type { Reply } from './operation.js';
import { XML_DECLARATION } from './xml.js';

/** Writes answers: documents, bytes, streams, and documents that take long to make. */

export const SERVER_NAME = 'PlexiChat-Backup-Node';

/** How the failure of a slow answer, whose status is sent already, is told in its body. */
export type DescribeError = (error: unknown) => string;

/**
 * Resolves when the answer has been handed over whole; undefined when it is already. Fails with what the body's stream
 * threw, or when the client has gone; then the answer is incomplete and the caller destroys the connection.
 */
export function sendReply(
  response: ServerResponse,
  head: boolean,
  reply: Reply,
  /** Those that every answer has; taken over and added to. */
  headers: OutgoingHttpHeaders,
  describeError: DescribeError,
): Promise<void> | undefined {
  const { body } = reply;
  addHeaders(headers, reply);
  if (reply.slow_body !== undefined) {
    return sendSlowly(response, reply.status, headers, reply.slow_body, describeError);
  }
  if (head || body === undefined) {
    sendHead(response, head, reply, headers);
  } else if (typeof body === 'string') {
    sendText(response, reply.status, headers, body);
  } else if (body instanceof Uint8Array) {
    headers['content-length'] = body.byteLength;
    response.writeHead(reply.status, headers);
    response.end(body);
  } else {
    if (reply.size_bytes !== undefined) headers['content-length'] = reply.size_bytes;
    return sendStream(response, reply.status, headers, body);
  }
  return undefined;
}

function addHeaders(headers: OutgoingHttpHeaders, reply: Reply): void {
  for (const name in reply.headers) {
    const value = reply.headers[name];
    if (value !== undefined) headers[name] = value;
  }
}

/** HEAD tells the length of what GET would send (RFC 9110, section 9.3.2); 204 and 304 have none. */
function sendHead(
  response: ServerResponse,
  head: boolean,
  { status, body, size_bytes }: Reply,
  headers: OutgoingHttpHeaders,
): void {
  if (!head) {
    if (status !== 204 && status !== 304) headers['content-length'] = 0;
  } else if (size_bytes !== undefined) {
    headers['content-length'] = size_bytes;
  } else if (typeof body === 'string') {
    headers['content-length'] = Buffer.byteLength(body);
  }
  response.writeHead(status, headers);
  response.end();
}

function sendText(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  text: string,
): void {
  headers['content-type'] ??= 'application/xml';
  headers['content-length'] = Buffer.byteLength(text);
  response.writeHead(status, headers);
  response.end(text);
}

/**
 * Chunks are lent: the next one is asked for only when the socket has taken the one before. The first is there before
 * the status is sent, so that an object that cannot be read at all is still answered with an error.
 */
async function sendStream(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  let chunk = await chunks.next();
  try {
    response.writeHead(status, headers);
    const write = createWriter(response);
    while (!chunk.done) {
      await write(chunk.value);
      chunk = await chunks.next();
    }
  } finally {
    if (!chunk.done) await chunks.return?.();
  }
  response.end();
}

/** Writes one chunk and resolves when it has left; fails when the connection does not live to see that. */
function createWriter(response: ServerResponse): (chunk: Uint8Array | string) => Promise<void> {
  let fail: ((error: Error) => void) | undefined;
  response.once('close', () => fail?.(new Error('the client closed the connection')));
  return (chunk) =>
    new Promise((resolve, reject) => {
      if (response.destroyed) {
        reject(new Error('the client has closed the connection'));
        return;
      }
      fail = reject;
      response.write(chunk, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
}

/**
 * S3 API reference, "CompleteMultipartUpload": the header is sent at once and white space keeps the connection alive;
 * a failure after that stands in the body of a 200.
 */
async function sendSlowly(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  work: Promise<string>,
  describeError: DescribeError,
): Promise<void> {
  headers['content-type'] ??= 'application/xml';
  response.writeHead(status, headers);
  response.write(XML_DECLARATION);
  const timer = setInterval(() => response.write(' '), LIMITS.slow_reply_space_interval_ms);
  try {
    const text = await work.catch(describeError);
    response.end(text.startsWith(XML_DECLARATION) ? text.slice(XML_DECLARATION.length) : text);
  } finally {
    clearInterval(timer);
  }
}
