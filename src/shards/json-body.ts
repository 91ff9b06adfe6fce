import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid, ShardApiError, tooLarge } from './errors.js';
import { beginBody } from './refusal.js';

/** What the request says of its body's length: bytes, 0 for none, undefined for chunked. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length !== undefined) return Number(length);
  return encoding === undefined ? 0 : undefined;
}

/** The client went away: nobody will read the answer. */
export function clientGone(): ShardApiError {
  return new ShardApiError(400, 'The request ended before its body was complete');
}

/** A whole body of at most `limit_bytes`; errors: 413 without reading on. */
export function readWhole(
  request: IncomingMessage,
  response: ServerResponse,
  limit_bytes: number,
): Promise<Buffer> {
  const declared = declaredLength(request);
  if (declared !== undefined && declared > limit_bytes) return Promise.reject(tooLarge(limit_bytes));
  beginBody(request, response);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = () => {
      request.off('data', take);
      request.off('end', end);
      request.off('error', lost);
      request.off('close', lost);
    };
    const take = (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= limit_bytes) return;
      done();
      request.pause();
      reject(tooLarge(limit_bytes));
    };
    const end = () => {
      done();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const lost = () => {
      done();
      reject(clientGone());
    };
    request.on('data', take);
    request.on('end', end);
    request.on('error', lost);
    request.on('close', lost);
  });
}

/** A JSON object; errors: 422. */
export function parseJsonObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) throw invalid({ loc: ['body'], msg: 'Field required', type: 'missing' });
  let value: unknown;
  try {
    // Bytes that are no UTF-8 would turn into replacement characters without a word.
    if (!isUtf8(bytes)) throw new SyntaxError('not UTF-8');
    value = JSON.parse(bytes.toString());
  } catch {
    throw invalid({ loc: ['body'], msg: 'JSON decode error', type: 'json_invalid' });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw invalid({ loc: ['body'], msg: 'Input should be a valid object', type: 'model_attributes_type' });
}
