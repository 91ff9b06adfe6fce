/** /metrics on a listener of its own, for networks in which scrapers may not reach the doors. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createDoor, type Door } from './door.js';
import { nameOperation } from './exchange.js';
import { METRICS_CONTENT_TYPE } from './metrics.js';

const PLAIN = 'text/plain; charset=utf-8';

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function createMetricsDoor(render: () => Promise<string>): Door {
  const door = createDoor({ name: 'metrics' });
  door.serverFactory((request: IncomingMessage, response: ServerResponse) => {
    nameOperation(response, 'metrics');
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') return answer(response, 404, PLAIN, 'only /metrics is here\n');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, PLAIN, 'GET only\n');
    render().then(
      (text) => answer(response, 200, METRICS_CONTENT_TYPE, text),
      () => answer(response, 500, PLAIN, 'metrics could not be gathered\n'),
    );
  });
  return door;
}
