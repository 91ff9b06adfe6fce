import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * Takes a chunk and resolves when the chunk may be reused: chunks of an adapter are lent until the next is asked for.
 * node:http drops what is written between the loss of a socket and its `close`, callback and all: so listen for that.
 */
function write(raw: ServerResponse, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the connection was lost'));
    if (raw.destroyed) return lost();
    raw.once('close', lost);
    raw.write(chunk, (error) => {
      raw.off('close', lost);
      if (error) reject(error);
      else resolve();
    });
  });
}

/**
 * Sends an answer in pieces at the client's pace. The first piece is made before the headers go out, so that what
 * fails at once still gets an error answer; what fails later cuts the connection, so that nobody takes it for whole.
 */
export async function sendPieces(
  reply: FastifyReply,
  headers: Readonly<Record<string, string | number>>,
  pieces: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  let next = await iterator.next();
  reply.hijack();
  const { raw } = reply;
  try {
    // reply.hijack() leaves behind what was set on the reply only.
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...headers });
    while (!next.done) {
      await write(raw, next.value);
      next = await iterator.next();
    }
    raw.end();
  } catch (error) {
    reply.log.warn({ event: 'answer_cut', err: error }, 'An answer could not be sent to its end');
    raw.destroy();
    await iterator.return?.().catch(() => undefined);
  }
}

/** Aborts when the client goes away before its answer is complete. */
export function abortWith(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
