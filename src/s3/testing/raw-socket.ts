import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which a test says byte for byte what is sent. */
export interface RawSocket {
  write(bytes: string | Uint8Array): void;
  /** What has come since the last call, once it matches. Fails when the connection closes before. */
  until(pattern: RegExp): Promise<string>;
  /** All that comes until the server closes the connection. */
  rest(): Promise<string>;
  close(): void;
}

export async function rawSocket(port: number): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return wrap(socket);
}

function wrap(socket: Socket): RawSocket {
  let received = '';
  let closed = false;
  let wake = () => {};
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    wake();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
    wake();
  });
  const take = () => {
    const text = received;
    received = '';
    return text;
  };
  const news = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    write: (bytes) => void socket.write(bytes),
    async until(pattern) {
      while (!pattern.test(received)) {
        if (closed) throw new Error(`closed after ${JSON.stringify(received)}`);
        await news();
      }
      return take();
    },
    async rest() {
      while (!closed) await news();
      return take();
    },
    close: () => socket.destroy(),
  };
}
