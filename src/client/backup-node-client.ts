import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { BackupNodeError } from './errors.js';
import {
  type Answer,
  type Call,
  createTransport,
  errorOf,
  parseAnswer,
  type Transport,
} from './transport.js';
import type {
  CallOptions,
  ListOptions,
  NodeEntry,
  NodeHealth,
  NodeRegistration,
  NodeStatus,
  PageOptions,
  ShardEntry,
  ShardPage,
  StoreOptions,
} from './types.js';

export interface BackupNodeClientOptions {
  /** Host name or IP address. Default 127.0.0.1. */
  readonly address?: string;
  /** Default 8001. */
  readonly port?: number;
  /** Instead of address and port: `https://node.example.test:8001`. */
  readonly url?: string;
  /** Of a whole call. Default 30,000. */
  readonly timeout_ms?: number;
  /** Bearer token, for nodes that ask for one. */
  readonly token?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const PAGE_COUNT = 1_000;
const BINARY_TYPE = 'application/octet-stream';
const JSON_TYPE = 'application/json';
const SHA256_HEADER = 'x-backup-node-sha256';
/** A metadata header longer than this goes as JSON: servers bound their headers. */
const HEADER_CHARACTERS_MAX = 4_096;

function originOf({ url, address = '127.0.0.1', port = 8001 }: BackupNodeClientOptions): string {
  if (url !== undefined) return new URL(url).origin;
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** `.` and `..` would be taken for steps of the path by proxies even when nothing else is. */
function shardPath(shard_id: string): string {
  try {
    const encoded = encodeURIComponent(shard_id);
    return `/api/v1/shards/${encoded === '.' || encoded === '..' ? encoded.replaceAll('.', '%2E') : encoded}`;
  } catch (cause) {
    throw new BackupNodeError('invalid', 'shard_id is not valid Unicode', { cause });
  }
}

/** Nodes of the first generation know neither the PUT nor its path. */
function lacksBinaryForm({ status }: Answer): boolean {
  return status === 404 || status === 405 || status === 501;
}

/**
 * Talks to one backup node.
 *
 * @example
 * ```ts
 * import { BackupNodeClient } from 'plexichat-backup-node';
 *
 * const node = new BackupNodeClient({ address: '127.0.0.1', port: 8001 });
 * await node.storeShard('photos/1', Buffer.from('hello'), { source_node: 'main-1' });
 * const bytes = await node.retrieveShard('photos/1'); // null: the node does not have it
 * await node.close();
 * ```
 */
export class BackupNodeClient {
  readonly #transport: Transport;
  /** Undefined until the first store has shown it. */
  #takes_binary: boolean | undefined;

  constructor(options: BackupNodeClientOptions = {}) {
    this.#transport = createTransport({
      origin: originOf(options),
      timeout_ms: options.timeout_ms ?? DEFAULT_TIMEOUT_MS,
      token: options.token,
    });
  }

  /** Rejects with `busy` while the node starts or drains. */
  healthCheck(options: CallOptions = {}): Promise<NodeHealth> {
    return this.#json('GET', '/health', options);
  }

  getNodeStatus(options: CallOptions = {}): Promise<NodeStatus> {
    return this.#json('GET', '/api/v1/status', options);
  }

  /** Stores a shard, or replaces it. Resolves when it is durable. Rejects with `no_space`, `too_large`, … */
  async storeShard(shard_id: string, data: Uint8Array, options: StoreOptions = {}): Promise<void> {
    const sha256 = hash('sha256', data, 'hex');
    const metadata =
      options.metadata === undefined ? '' : encodeURIComponent(JSON.stringify(options.metadata));
    if (this.#takes_binary !== false && shard_id !== '' && metadata.length <= HEADER_CHARACTERS_MAX) {
      const answer = await this.#send({
        method: 'PUT',
        path: shardPath(shard_id),
        headers: {
          'content-type': BINARY_TYPE,
          [SHA256_HEADER]: sha256,
          ...(options.source_node !== undefined && {
            'x-backup-node-source-node': encodeURIComponent(options.source_node),
          }),
          ...(metadata !== '' && { 'x-backup-node-metadata': metadata }),
        },
        body: data,
        signal: options.signal,
      });
      this.#takes_binary = !lacksBinaryForm(answer);
      if (this.#takes_binary) return expectSuccess(answer);
    }
    await this.#storeJson(shard_id, data, sha256, options);
  }

  /** Null when the node does not have it. The digest is checked: rejects with `corrupt` when it differs. */
  async retrieveShard(shard_id: string, options: CallOptions = {}): Promise<Buffer | null> {
    const answer = await this.#send({
      method: 'GET',
      path: shardPath(shard_id),
      headers: { accept: `${BINARY_TYPE}, ${JSON_TYPE};q=0.5` },
      signal: options.signal,
    });
    if (answer.status === 404) return null;
    expectSuccess(answer);
    const { data, sha256 } = readShard(answer);
    if (sha256 !== null && hash('sha256', data, 'hex') !== sha256) {
      throw new BackupNodeError('corrupt', 'The shard does not match its digest', { status: answer.status });
    }
    return data;
  }

  /** False when the node did not have it. */
  async deleteShard(shard_id: string, options: CallOptions = {}): Promise<boolean> {
    const answer = await this.#send({ method: 'DELETE', path: shardPath(shard_id), ...options });
    if (answer.status === 404) return false;
    expectSuccess(answer);
    return true;
  }

  /** One page; without `limit` all in one answer. */
  listShardsPage(options: PageOptions = {}): Promise<ShardPage> {
    const query = new URLSearchParams();
    if (options.limit !== undefined) query.set('limit', String(options.limit));
    if (options.cursor !== undefined) query.set('cursor', options.cursor);
    if (options.prefix !== undefined) query.set('prefix', options.prefix);
    return this.#json('GET', `/api/v1/shards${query.size > 0 ? `?${query}` : ''}`, options);
  }

  /** All shards, a page at a time, in bounded memory. */
  async *shards(options: ListOptions = {}): AsyncGenerator<ShardEntry, void, undefined> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page: ShardPage = await this.listShardsPage({
        ...options,
        limit: PAGE_COUNT,
        ...(cursor !== undefined && { cursor }),
      });
      yield* page.shards;
      // Nodes of the first generation ignore `limit` and name no cursor: that was all of them.
      cursor = page.next_cursor ?? null;
    }
  }

  async listShards(options: ListOptions = {}): Promise<ShardEntry[]> {
    const entries: ShardEntry[] = [];
    for await (const entry of this.shards(options)) entries.push(entry);
    return entries;
  }

  /** Registers a node there, or refreshes when it was last seen. */
  async registerNode(node: NodeRegistration, options: CallOptions = {}): Promise<void> {
    await this.#json('POST', '/api/v1/nodes/register', options, node);
  }

  async listNodes(options: CallOptions = {}): Promise<readonly NodeEntry[]> {
    const { nodes } = await this.#json<{ nodes: readonly NodeEntry[] }>('GET', '/api/v1/nodes', options);
    return nodes;
  }

  /** Closes all connections; calls under way reject. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  async #storeJson(
    shard_id: string,
    data: Uint8Array,
    original_hash: string,
    options: StoreOptions,
  ): Promise<void> {
    await this.#json('POST', '/api/v1/shards/store', options, {
      shard_id,
      shard_data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
      original_hash,
      source_node: options.source_node ?? null,
      metadata: options.metadata ?? null,
    });
  }

  #send(call: Call): Promise<Answer> {
    return this.#transport.send(call);
  }

  async #json<T>(
    method: Call['method'],
    path: string,
    { signal }: CallOptions,
    document?: object,
  ): Promise<T> {
    const answer = await this.#send({
      method,
      path,
      signal,
      ...(document !== undefined && {
        headers: { 'content-type': JSON_TYPE },
        body: JSON.stringify(document),
      }),
    });
    expectSuccess(answer);
    return parseAnswer<T>(answer);
  }
}

function expectSuccess(answer: Answer): void {
  if (answer.status < 200 || answer.status > 299) throw errorOf(answer);
}

/** Either form of a retrieve answer. A node of the first generation names no digest. */
function readShard(answer: Answer): { readonly data: Buffer; readonly sha256: string | null } {
  const { 'content-type': type, [SHA256_HEADER]: digest } = answer.headers;
  if (typeof type === 'string' && type.startsWith(BINARY_TYPE)) {
    return { data: answer.body, sha256: typeof digest === 'string' ? digest : null };
  }
  const shard = parseAnswer<{ shard_data: string; original_hash?: string | null }>(answer);
  return {
    data: Buffer.from(shard.shard_data, 'base64'),
    sha256: shard.original_hash?.toLowerCase() ?? null,
  };
}
