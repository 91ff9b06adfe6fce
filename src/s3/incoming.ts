import type { IncomingMessage } from 'node:http';
import { LIMITS } from '../../config/limits.js';
import { freeMemory } from '../http/free-memory.js';
import { S3Error } from './errors.js';

/**
 * The bytes of a request as they come off the socket, without copies. A chunk is lent: its memory is freed when the next
 * one is asked for. Unlike the request's own iterator it leaves the
 * connection alone when the reader stops early, so that an error can still be answered.
 */
export async function* incomingBytes(request: IncomingMessage): AsyncGenerator<Buffer, void, undefined> {
  const queue: Buffer[] = [];
  let queued_bytes = 0;
  let ended = false;
  let failure: S3Error | undefined;
  let wake: (() => void) | undefined;

  const onData = (chunk: Buffer) => {
    queue.push(chunk);
    queued_bytes += chunk.length;
    if (queued_bytes >= LIMITS.payload_ahead_bytes_max) request.pause();
    wake?.();
  };
  const onEnd = () => {
    ended = true;
    wake?.();
  };
  const onLost = () => {
    if (!ended) failure = lostClient();
    wake?.();
  };

  request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
  if (request.destroyed && !request.readableEnded) onLost();
  try {
    for (;;) {
      const chunk = queue.shift();
      if (chunk !== undefined) {
        queued_bytes -= chunk.length;
        if (request.isPaused() && queued_bytes < LIMITS.payload_ahead_bytes_max / 2) request.resume();
        yield chunk;
        freeMemory(chunk);
      } else if (ended) {
        return;
      } else if (failure !== undefined) {
        throw failure;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    }
  } finally {
    request.pause();
    request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
    // Somebody has to listen, or a connection that breaks later would end the process.
    request.on('error', ignore);
  }
}

/** All of a small body. When it came in one piece, that piece. */
export async function incomingWhole(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let ended = false;
    request
      .on('data', (chunk: Buffer) => {
        if (first === undefined) first = chunk;
        else if (more === undefined) more = [first, chunk];
        else more.push(chunk);
      })
      .once('end', () => {
        ended = true;
        resolve(more === undefined ? (first ?? NOTHING) : Buffer.concat(more));
      })
      .on('error', () => reject(lostClient()))
      .once('close', () => {
        if (!ended) reject(lostClient());
      });
    if (request.destroyed && !request.readableEnded) reject(lostClient());
  });
}

const NOTHING = Buffer.alloc(0);

function ignore(): void {}

function lostClient(): S3Error {
  return new S3Error('IncompleteBody');
}
