import { BackupNodeClient, type BackupNodeClientOptions } from './backup-node-client.js';
import { BackupNodeError } from './errors.js';
import type { CallOptions, NodeStatus, StoreOptions } from './types.js';

export interface ManagedNodeOptions extends BackupNodeClientOptions {
  /** The lowest is asked first. Default 1. */
  readonly priority?: number;
}

export interface RedundantStoreOptions extends StoreOptions {
  /** On how many nodes the shard is to lie. Default 2. */
  readonly redundancy_level?: number;
}

export interface RedundantStoreResult {
  /** Whether as many nodes hold it as were asked for. */
  readonly success: boolean;
  /** Those that hold it now, in the order in which they were asked. */
  readonly nodes: readonly string[];
  /** Those that failed, with the reason. */
  readonly failures: ReadonlyMap<string, BackupNodeError>;
}

export interface ClusterStatus {
  readonly total_nodes: number;
  readonly healthy_nodes: number;
  readonly total_storage_bytes: number;
  readonly used_storage_bytes: number;
  readonly total_shards: number;
  readonly nodes: Readonly<Record<string, NodeStatus | { readonly error: string }>>;
}

interface ManagedNode {
  readonly client: BackupNodeClient;
  readonly priority: number;
  /** As the last call found it; a node that was never asked is taken for healthy. */
  healthy: boolean;
}

const DEFAULT_REDUNDANCY = 2;

/** The caller's wish, not a failure of a node: no further node is asked. */
function rethrowAborted(error: unknown): BackupNodeError {
  if (!(error instanceof BackupNodeError)) throw error;
  if (error.kind === 'aborted') throw error;
  return error;
}

function saysNodeIsIll({ kind }: BackupNodeError): boolean {
  return kind === 'timeout' || kind === 'unreachable' || kind === 'busy' || kind === 'unexpected';
}

/**
 * Stores shards on several nodes, and reads them from any that has them.
 *
 * @example
 * ```ts
 * import { BackupNodeManager } from 'plexichat-backup-node';
 *
 * const nodes = new BackupNodeManager();
 * nodes.addNode('here', { port: 8001, priority: 1 });
 * nodes.addNode('there', { address: 'backup.example.test', port: 8001, priority: 2 });
 * const { success } = await nodes.storeShardRedundant('photos/1', Buffer.from('hello'), { redundancy_level: 2 });
 * const bytes = await nodes.retrieveShardAny('photos/1');
 * await nodes.closeAll();
 * ```
 */
export class BackupNodeManager {
  readonly #nodes = new Map<string, ManagedNode>();

  /** Replaces a node of the same id. */
  addNode(node_id: string, options: ManagedNodeOptions = {}): void {
    void this.removeNode(node_id);
    this.#nodes.set(node_id, {
      client: new BackupNodeClient(options),
      priority: options.priority ?? 1,
      healthy: true,
    });
  }

  async removeNode(node_id: string): Promise<void> {
    const node = this.#nodes.get(node_id);
    this.#nodes.delete(node_id);
    await node?.client.close();
  }

  /** The client of one node, for calls to it alone. */
  node(node_id: string): BackupNodeClient | undefined {
    return this.#nodes.get(node_id)?.client;
  }

  async healthCheckAll(options: CallOptions = {}): Promise<Record<string, boolean>> {
    const checks = [...this.#nodes].map(async ([node_id, node]) => {
      const found = await this.#ask(node, (client) => client.healthCheck(options));
      node.healthy = !(found instanceof BackupNodeError);
      return [node_id, node.healthy] as const;
    });
    return Object.fromEntries(await Promise.all(checks));
  }

  /** Asks nodes by priority until so many have stored it: a node that fails is made up for by the next one. */
  async storeShardRedundant(
    shard_id: string,
    data: Uint8Array,
    options: RedundantStoreOptions = {},
  ): Promise<RedundantStoreResult> {
    const { redundancy_level = DEFAULT_REDUNDANCY, ...store_options } = options;
    const stored: string[] = [];
    const failures = new Map<string, BackupNodeError>();
    const waiting = this.#byPriority();
    while (stored.length < redundancy_level && waiting.length > 0) {
      const round = waiting.splice(0, redundancy_level - stored.length);
      const results = await Promise.all(
        round.map(([, node]) =>
          this.#ask(node, (client) => client.storeShard(shard_id, data, store_options)),
        ),
      );
      for (const [index, [node_id]] of round.entries()) {
        const result = results[index];
        if (result instanceof BackupNodeError) failures.set(node_id, result);
        else stored.push(node_id);
      }
    }
    return { success: stored.length >= redundancy_level, nodes: stored, failures };
  }

  /**
   * From the first node by priority that has it. Null when every node answered that it does not have it; rejects with
   * the last failure when none has it but some could not answer.
   */
  async retrieveShardAny(shard_id: string, options: CallOptions = {}): Promise<Buffer | null> {
    let failure: BackupNodeError | undefined;
    for (const [, node] of this.#byPriority()) {
      const found = await this.#ask(node, (client) => client.retrieveShard(shard_id, options));
      if (found instanceof BackupNodeError) failure = found;
      else if (found !== null) return found;
    }
    if (failure !== undefined) throw failure;
    return null;
  }

  /** For each node: true: deleted; false: it was not there, or the node failed. */
  async deleteShardAll(shard_id: string, options: CallOptions = {}): Promise<Record<string, boolean>> {
    const deletes = [...this.#nodes].map(async ([node_id, node]) => {
      const found = await this.#ask(node, (client) => client.deleteShard(shard_id, options));
      return [node_id, found === true] as const;
    });
    return Object.fromEntries(await Promise.all(deletes));
  }

  async getClusterStatus(options: CallOptions = {}): Promise<ClusterStatus> {
    const found = await Promise.all(
      [...this.#nodes].map(
        async ([node_id, node]) =>
          [node_id, await this.#ask(node, (client) => client.getNodeStatus(options))] as const,
      ),
    );
    const statuses = found.flatMap(([, status]) => (status instanceof BackupNodeError ? [] : [status]));
    const sum = (of: (status: NodeStatus) => number) => statuses.reduce((all, status) => all + of(status), 0);
    return {
      total_nodes: found.length,
      healthy_nodes: statuses.length,
      total_storage_bytes: sum(({ storage }) => storage.max_bytes),
      used_storage_bytes: sum(({ storage }) => storage.used_bytes),
      total_shards: sum(({ shards }) => shards.total_count),
      nodes: Object.fromEntries(
        found.map(([node_id, status]) => [
          node_id,
          status instanceof BackupNodeError ? { error: status.message } : status,
        ]),
      ),
    };
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(({ client }) => client.close()));
    this.#nodes.clear();
  }

  /** Nodes that failed last time are asked last. */
  #byPriority(): [string, ManagedNode][] {
    return [...this.#nodes].sort(
      ([, a], [, b]) => Number(b.healthy) - Number(a.healthy) || a.priority - b.priority,
    );
  }

  async #ask<T>(
    node: ManagedNode,
    call: (client: BackupNodeClient) => Promise<T>,
  ): Promise<T | BackupNodeError> {
    try {
      const result = await call(node.client);
      node.healthy = true;
      return result;
    } catch (error) {
      const failure = rethrowAborted(error);
      node.healthy = !saysNodeIsIll(failure);
      return failure;
    }
  }
}
