/** One log line for each request, at debug level: the hot path pays for it only when it is wanted. Doors log failures. */
import type { Logger } from 'pino';
import type { Exchange } from './http/exchange.js';

/** The path without its query: a presigned URL's query is a credential. */
function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0] ?? '';
}

export function accessLog(logger: Logger, door: string): (exchange: Exchange) => void {
  return (exchange) => {
    const { request, response } = exchange;
    if (!logger.isLevelEnabled('debug')) return;
    const line = {
      request_id: exchange.request_id,
      door,
      operation: exchange.operation,
      method: request.method,
      path: pathOf(request.url),
      status: response.headersSent ? response.statusCode : 499,
      duration_ms: Math.round((performance.now() - exchange.started_at) * 1000) / 1000,
      remote: request.socket.remoteAddress,
    };
    logger.debug(line, 'request');
  };
}
