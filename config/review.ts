/** Keys that are valid but that this version cannot honour yet: refused, or said aloud at start; never dropped. */
import { isIP } from 'node:net';
import type { Config } from './schema.js';

export interface Review {
  /** Reasons not to start. */
  readonly refusals: readonly string[];
  /** To be logged as warnings. */
  readonly warnings: readonly string[];
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost') return true;
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name.startsWith('::ffff:127.');
}

/** Whether a shard call without a token is served. */
export function anonymousShardsAllowed(config: Config): boolean {
  return config.allow_anonymous_shards ?? isLoopback(config.host);
}

function notSupportedYet(config: Config): string[] {
  const refusals: string[] = [];
  if (config.seeding.rules.length > 0) refusals.push('seeding.rules: seeding rules are not supported yet');
  if (config.peers.length > 0) refusals.push('peers: peers are not supported yet');
  if (config.s3.signature_v2) refusals.push('s3.signature_v2: signature version 2 is not supported yet');
  return refusals;
}

function accessRefusals(config: Config, has_tokens: boolean): string[] {
  if (
    config.allow_anonymous_shards !== true &&
    !config.security.require_authentication &&
    !isLoopback(config.host)
  ) {
    return [
      `security.require_authentication: false would let anyone who reaches ${config.host} store and delete shards; ` +
        'say allow_anonymous_shards: true if that is meant',
    ];
  }
  if (anonymousShardsAllowed(config) || has_tokens) return [];
  return [
    `host: ${config.host} ${isLoopback(config.host) ? 'with allow_anonymous_shards: false' : 'is not a loopback address'}, ` +
      'and no shard token is there: give shard_tokens (or `backup-node keys create --shard-token`), ' +
      'or say allow_anonymous_shards: true to serve shard calls of anyone',
  ];
}

function warningsOf(config: Config): string[] {
  const { network, storage } = config;
  const later = (key: string, what: string) => `${key}: ${what} is not supported yet; the key has no effect`;
  const rules: [boolean, string][] = [
    [
      !storage.deduplication_enabled,
      'storage.deduplication_enabled: contents above 64 KiB are always stored once; false has no effect',
    ],
    [network.discovery_enabled, later('network.discovery_enabled', 'discovery of other nodes')],
    [
      network.announce_interval_seconds !== 300,
      later('network.announce_interval_seconds', 'announcing to other nodes'),
    ],
    [network.max_peer_connections !== 50, later('network.max_peer_connections', 'calling other nodes')],
    [config.main_node_address !== null, later('main_node_address', 'announcing to the main node')],
    [config.main_node_port !== null, later('main_node_port', 'announcing to the main node')],
    [config.bandwidth_limit_mbps !== null, later('bandwidth_limit_mbps', 'transfer between nodes')],
    [config.max_concurrent_transfers !== 10, later('max_concurrent_transfers', 'transfer between nodes')],
    [config.cluster_secret !== null, later('cluster_secret', 'a cluster of nodes')],
    [config.lifecycle_day_seconds !== 86_400, later('lifecycle_day_seconds', 'lifecycle of objects')],
    [
      config.s3.object_ownership_default !== 'BucketOwnerEnforced',
      later('s3.object_ownership_default', 'another object ownership than BucketOwnerEnforced'),
    ],
    [
      config.users.some((user) => user.policies.length > 0),
      'users: policies are kept, but not evaluated yet: a user may do all in buckets of its own and nothing elsewhere',
    ],
    [
      config.allow_anonymous_shards === true && !isLoopback(config.host),
      `allow_anonymous_shards: anyone who reaches ${config.host} may store, read and delete shards`,
    ],
    [
      !isLoopback(config.host) && config.tls.certificate_file === null,
      `tls: ${config.host} is served without TLS; shard tokens and object contents cross the network readable`,
    ],
  ];
  return rules.filter(([applies]) => applies).map(([, text]) => text);
}

/** `has_tokens`: shard tokens are there, in the configuration or among the created ones. */
export function reviewConfig(config: Config, has_tokens: boolean): Review {
  return {
    refusals: [...notSupportedYet(config), ...accessRefusals(config, has_tokens)],
    warnings: warningsOf(config),
  };
}
