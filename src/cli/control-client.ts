/** Calls the control API of the node that runs on a storage folder. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { LIMITS } from '../../config/limits.js';
import { processAlive, type RunFile, readRunFile } from '../control/run-file.js';
import { EXIT } from './exit-codes.js';
import { CliError } from './output.js';

export interface ControlClient {
  readonly run: RunFile;
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  /** Yields one value for each line of a streamed answer. */
  stream(method: 'POST', path: string, body?: unknown): AsyncGenerator<unknown>;
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The certificate is for the node's public name, not for this address: the very certificate is what is checked. */
function connectPinned(url: URL, expected: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const address = { host: hostOf(url), port: Number(url.port) };
    const socket = connect({ ...address, rejectUnauthorized: false }, () => {
      if (socket.getPeerCertificate().fingerprint256 === expected) return resolve(socket);
      socket.destroy();
      reject(new Error('it shows another certificate than the one of run.json'));
    });
    socket.once('error', reject);
  });
}

async function send(run: RunFile, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  const url = new URL(path, run.api_url);
  const text = body === undefined ? '' : JSON.stringify(body);
  const options: RequestOptions = {
    host: hostOf(url),
    port: url.port,
    path: url.pathname + url.search,
    method,
    headers: {
      host: url.host,
      authorization: `Bearer ${run.control_token}`,
      ...(text === ''
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    },
  };
  if (run.certificate_fingerprint !== null) {
    const socket = await connectPinned(url, run.certificate_fingerprint);
    options.createConnection = () => socket;
  } else {
    options.agent = false;
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(options, resolve);
    outgoing.once('error', reject);
    outgoing.end(text);
  });
}

async function readBody(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMITS.control_answer_bytes_max) throw new Error('its answer is too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : JSON.parse(text);
}

function refused(status: number, body: unknown): CliError {
  const detail =
    typeof body === 'object' && body !== null && 'detail' in body
      ? String(body.detail)
      : `the node answered ${status}`;
  return new CliError(status === 503 ? EXIT.failed : EXIT.refused, detail);
}

function unreachable(run: RunFile, error: unknown): CliError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(
    EXIT.failed,
    `the node at ${run.api_url} (process ${run.pid}) does not answer: ${reason}`,
  );
}

async function open(run: RunFile, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  let response: IncomingMessage;
  try {
    response = await send(run, method, path, body);
  } catch (error) {
    throw unreachable(run, error);
  }
  const status = response.statusCode ?? 0;
  if (status >= 300) throw refused(status, await readBody(response));
  return response;
}

/** Undefined when no node runs on this folder. */
export function findRunningNode(storage_path: string): ControlClient | undefined {
  const run = readRunFile(storage_path);
  if (run === undefined || !processAlive(run.pid)) return undefined;
  return {
    run,
    call: async (method, path, body) => readBody(await open(run, method, path, body)),
    stream: async function* (method, path, body) {
      const response = await open(run, method, path, body);
      for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line !== '') yield JSON.parse(line);
      }
      if (!response.complete) throw new CliError(EXIT.failed, 'the node went away before it was done');
    },
  };
}

export function requireRunningNode(storage_path: string): ControlClient {
  const node = findRunningNode(storage_path);
  if (node === undefined) throw new CliError(EXIT.not_running, `no node is running on ${storage_path}`);
  return node;
}
