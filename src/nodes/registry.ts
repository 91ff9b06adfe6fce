import { LIMITS } from '../../config/limits.js';
import type { StateStore } from '../state/store.js';
import { canonicalAddress } from './address.js';

/** What a node says of itself. Everything here is a claim: only nodes of the configuration are trusted. */
export interface NodeClaim {
  readonly node_id: string;
  readonly node_type: string;
  readonly address: string;
  readonly port: number;
  /** Bytes. */
  readonly storage_capacity: number;
  /** Bytes. */
  readonly storage_used?: number;
}

interface StoredNode extends Required<NodeClaim> {
  readonly last_seen_ms: number;
}

interface RegisteredNode extends StoredNode {
  readonly is_online: boolean;
  readonly trust_level: 'trusted' | 'untrusted';
}

/** A node of the configuration. */
export interface Peer {
  readonly node_id: string;
  readonly address: string;
  readonly port: number;
  readonly trusted: boolean;
}

export interface NodeRegistryOptions {
  readonly state: StateStore;
  readonly peers: readonly Peer[];
  /** A node not heard of for this long is offline. */
  readonly peer_timeout_ms: number;
  readonly now?: () => number;
}

export interface NodeRegistry {
  /** Adds a node or refreshes what is known of it; durable when it resolves. False: the registry is full. */
  register(claim: NodeClaim): Promise<boolean>;
  /** By node id. */
  list(): RegisteredNode[];
  onlineCount(): number;
}

/** Nodes that have registered, kept across restarts and bounded: a full one forgets who was offline for longest. */
export function createNodeRegistry(options: NodeRegistryOptions): NodeRegistry {
  const { peer_timeout_ms, now = Date.now } = options;
  const table = options.state.table<StoredNode>('nodes');
  const nodes = new Map(
    table.range({ limit: LIMITS.registered_nodes_max }).map(({ value }) => [value.node_id, value]),
  );
  const peers = new Map(options.peers.map((peer) => [peer.node_id, peer]));

  const isOnline = (node: StoredNode) => now() - node.last_seen_ms <= peer_timeout_ms;

  /** An id alone proves nothing: one who claims a peer's id at another address is not that peer. */
  const isTrusted = ({ node_id, address, port }: StoredNode): boolean => {
    const peer = peers.get(node_id);
    if (peer === undefined || !peer.trusted) return false;
    return canonicalAddress(peer.address) === canonicalAddress(address) && peer.port === port;
  };

  const makeRoom = async (): Promise<boolean> => {
    let oldest: StoredNode | undefined;
    for (const node of nodes.values()) {
      if (isOnline(node) || isTrusted(node)) continue;
      if (oldest === undefined || node.last_seen_ms < oldest.last_seen_ms) oldest = node;
    }
    if (oldest === undefined) return false;
    nodes.delete(oldest.node_id);
    await table.delete(oldest.node_id);
    return true;
  };

  return {
    register: async (claim) => {
      const known = nodes.get(claim.node_id);
      if (known === undefined && nodes.size >= LIMITS.registered_nodes_max && !(await makeRoom()))
        return false;
      const node: StoredNode = {
        ...claim,
        storage_used: claim.storage_used ?? known?.storage_used ?? 0,
        last_seen_ms: now(),
      };
      nodes.set(node.node_id, node);
      await table.put(node.node_id, node);
      return true;
    },
    list: () =>
      [...nodes.values()]
        .sort((a, b) => (a.node_id < b.node_id ? -1 : 1))
        .map((node) => ({
          ...node,
          is_online: isOnline(node),
          trust_level: isTrusted(node) ? ('trusted' as const) : ('untrusted' as const),
        })),
    onlineCount: () => {
      let count = 0;
      for (const node of nodes.values()) if (isOnline(node)) count++;
      return count;
    },
  };
}
