/** Answers of the shard API, as they are on the wire. Times are ISO 8601 in UTC. */
export interface NodeHealth {
  readonly status: string;
  readonly node_status: NodeStatus;
  readonly timestamp: string;
}

export interface NodeStatus {
  readonly node_id: string;
  readonly node_type: string;
  readonly storage: {
    readonly used_bytes: number;
    readonly max_bytes: number;
    readonly used_percentage: number;
    readonly available_bytes: number;
  };
  readonly shards: { readonly total_count: number; readonly total_size_bytes: number };
  readonly network: { readonly connected_nodes: number; readonly active_transfers: number };
  /** Seconds. */
  readonly uptime: number;
  readonly last_updated: string;
}

export interface ShardEntry {
  readonly shard_id: string;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly last_verified: string | null;
  readonly verification_count: number;
  readonly source_node: string | null;
  readonly redundancy_level: number;
}

export interface ShardPage {
  readonly shards: readonly ShardEntry[];
  /** Of all shards, or of all with the prefix. */
  readonly total_count: number;
  readonly total_size_bytes: number;
  /** What to pass as `cursor` for the next page; null at the end. */
  readonly next_cursor: string | null;
}

export interface NodeEntry {
  readonly node_id: string;
  readonly node_type: string;
  readonly address: string;
  readonly port: number;
  readonly last_seen: string;
  readonly storage_capacity: number;
  readonly storage_used: number;
  readonly is_online: boolean;
  readonly trust_level: string;
}

export interface NodeList {
  readonly nodes: readonly NodeEntry[];
  readonly total_count: number;
  readonly online_count: number;
}

export interface NodeRegistration {
  readonly node_id: string;
  /** `main`, `backup`, `client`, or another word. */
  readonly node_type: string;
  /** A host name or an IP address. */
  readonly address: string;
  readonly port: number;
  /** Bytes. */
  readonly storage_capacity: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface StoreOptions extends CallOptions {
  readonly source_node?: string;
  /** Kept with the shard, as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface ListOptions extends CallOptions {
  readonly prefix?: string;
}

export interface PageOptions extends ListOptions {
  readonly limit?: number;
  readonly cursor?: string;
}
