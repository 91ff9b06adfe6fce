import { Pool } from 'undici';
import { BackupNodeError, kindOfStatus, toClientError } from './errors.js';

export interface TransportOptions {
  /** `http://host:port`. */
  readonly origin: string;
  /** Of a whole call. */
  readonly timeout_ms: number;
  /** Sent as Bearer token. */
  readonly token: string | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Percent-encoded; goes out as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Transport {
  /** Any status is an answer. Rejects with `timeout`, `aborted` or `unreachable`. */
  send(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 32;

/**
 * undici rather than fetch: fetch resolves `%2e%2e` in paths, and a shard id may be just that.
 */
export function createTransport({ origin, timeout_ms, token }: TransportOptions): Transport {
  const pool = new Pool(origin, {
    connections: CONNECTIONS_MAX,
    headersTimeout: timeout_ms,
    bodyTimeout: timeout_ms,
    connect: { timeout: timeout_ms },
  });
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    send: async ({ method, path, headers, body, signal }) => {
      const timeout = AbortSignal.timeout(timeout_ms);
      try {
        const answer = await pool.request({
          method,
          path,
          headers: { ...authorization, ...headers },
          body: body ?? null,
          signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        });
        const bytes = Buffer.from(await answer.body.arrayBuffer());
        return { status: answer.statusCode, headers: answer.headers, body: bytes };
      } catch (error) {
        throw toClientError(error, signal);
      }
    },
    close: () => pool.destroy(),
  };
}

export function parseAnswer<T>({ status, body }: Answer): T {
  try {
    return JSON.parse(body.toString()) as T;
  } catch (cause) {
    throw new BackupNodeError('unexpected', `The node's answer (${status}) is not JSON`, { status, cause });
  }
}

/** The error that a non-2xx answer stands for. */
export function errorOf(answer: Answer): BackupNodeError {
  const { status, body } = answer;
  let detail: unknown = null;
  try {
    detail = (JSON.parse(body.toString()) as { detail?: unknown } | null)?.detail ?? null;
  } catch {
    // Proxies answer with pages of their own: the status says enough.
  }
  const text = typeof detail === 'string' ? detail : detail === null ? '' : JSON.stringify(detail);
  return new BackupNodeError(kindOfStatus(status), `The node answered ${status} ${text}`.trimEnd(), {
    status,
    detail,
  });
}
