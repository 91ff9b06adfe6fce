/** The configuration of a node: the only source of the Config type, of the defaults and of config/schema.json. */
import { z } from 'zod';
import { LIMITS } from './limits.js';

const port = z.int().min(0).max(65_535);
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'lower-case letters, digits, `.`, `_` and `-`, at most 63');
const nodeId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/, 'letters, digits, `.`, `_`, `:` and `-`, at most 128');
/** `writeOnly` (JSON Schema, validation vocabulary, section 9.4) marks what is never shown. */
const secret = (min: number) => z.string().min(min).meta({ writeOnly: true });
const accessKey = z.string().regex(/^[A-Za-z0-9_.-]{3,128}$/, '3 to 128 letters, digits, `_`, `.` and `-`');
const bucketName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name');
const host = z.string().regex(/^[A-Za-z0-9_.:%-]{1,255}$/, 'a host name or an IP address');

const s3 = z.strictObject({
  port: port.nullable().default(null).describe('Port of the S3 endpoint; null: port + 1000.'),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,63}$/, 'lower-case letters, digits and `-`')
    .default('us-east-1'),
  domains: z
    .array(z.string().regex(/^[a-z0-9.-]{1,253}$/, 'a lower-case domain name'))
    .default([])
    .describe('Domains under which `bucket.domain` names a bucket (virtual-host style).'),
  object_ownership_default: z
    .enum(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'])
    .default('BucketOwnerEnforced'),
  signature_v2: z.boolean().default(false),
});

const tls = z.strictObject({
  certificate_file: z.string().min(1).nullable().default(null).describe('PEM, the whole chain.'),
  key_file: z.string().min(1).nullable().default(null).describe('PEM.'),
});

const user = z.strictObject({
  name: z.string().min(1).max(64),
  id: z.string().min(1).max(128).optional().describe('Canonical id; made from the access key when missing.'),
  display_name: z.string().max(256).optional(),
  email: z.string().max(254).optional(),
  access_key: accessKey.optional(),
  secret_key: secret(8).optional(),
  policies: z.array(z.string()).default([]),
});

const retry = z.strictObject({
  attempts_max: z.int().min(1).max(10).default(3).describe('The first one included.'),
  delay_ms: z.int().min(1).default(100).describe('Before the first repeat, at most; doubled with each.'),
  delay_ms_max: z.int().min(1).max(60_000).default(5_000),
  budget_percent: z.number().min(0).max(100).default(10).describe('Repeats per hundred calls.'),
});

/** What may stand around an adapter; what is left out is not there. */
const decorators = {
  retry: retry
    .nullable()
    .optional()
    .describe('Calls that failed for a moment are repeated, where that is safe.'),
  concurrency_max: z.int().min(1).max(100_000).optional().describe('Calls at a time; others wait.'),
  bandwidth_limit_mbps: z
    .number()
    .positive()
    .optional()
    .describe('Megabits a second (100 are 12.5 MB), both directions together.'),
  cache: z
    .strictObject({
      memory_mb: z.number().positive().default(64),
      object_mb: z.number().positive().default(1).describe('Larger objects are not kept.'),
      trust_ms: z
        .int()
        .min(0)
        .default(0)
        .describe('How long what others write may go unseen; 0: each read asks whether the object changed.'),
      disk_folder: z.string().min(1).optional().describe('For what memory has no room for.'),
      disk_mb: z.number().positive().default(1_024),
    })
    .optional()
    .describe('Objects that were read are kept.'),
  encryption: z
    .strictObject({
      key_id: z.string().min(1).max(64).describe('The key for new writes, one of `keys`.'),
      keys: z
        .record(
          z.string().min(1).max(64),
          z
            .strictObject({ env: z.string().min(1).optional(), file: z.string().min(1).optional() })
            .refine(
              (key) => (key.env === undefined) !== (key.file === undefined),
              'give either `env` or `file`',
            ),
        )
        .describe('Where each key is: 64 hex digits in an environment variable or in a file.'),
      records_bucket: bucketName
        .default('backup-node-parts')
        .describe('A hidden bucket upstream for what is known of the parts of unfinished uploads.'),
    })
    .refine(({ key_id, keys }) => Object.hasOwn(keys, key_id), '`key_id` is none of `keys`')
    .optional()
    .describe('Contents are encrypted before they leave the node.'),
  compression: z
    .strictObject({
      level: z
        .int()
        .min(0)
        .max(9)
        .default(3)
        .describe('Of gzip: 1 is the fastest, 9 the smallest; 0: new contents are left as they are.'),
      spool_mb: z
        .number()
        .positive()
        .default(2_048)
        .describe('Uploads that are being compressed, all together; a larger one goes up as it is.'),
      spool_folder: z
        .string()
        .min(1)
        .optional()
        .describe('Where they wait until all of them is known; by default in storage_path.'),
      records_bucket: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name')
        .default('backup-node-gzip-parts')
        .describe('A hidden bucket upstream for what is known of the parts of unfinished uploads.'),
    })
    .optional()
    .describe('Contents lie in the adapter as gzip files, where that saves space.'),
};

/** A network fails for a moment where a disk does not. */
const remoteDecorators = {
  ...decorators,
  retry: retry
    .nullable()
    .prefault({})
    .describe('Calls that failed for a moment are repeated, where that is safe; null: never.'),
};

const endpoint = z
  .string()
  .regex(/^https?:\/\/[^/?#@\s]+\/?$/, '`http://host[:port]` or `https://host[:port]`');
const capability = z.boolean().optional();
const capabilities = z
  .strictObject({
    conditional_put: capability,
    conditional_delete: capability,
    versioning: capability,
    object_lock: capability,
    tagging: capability,
    bucket_documents: capability,
  })
  .optional()
  .describe('Where this server differs from its provider; `backup-node adapters probe` says what to write.');

const remoteAdapter = {
  capabilities,
  change_feed: z
    .boolean()
    .default(false)
    .describe(
      'An ordered feed of what changes upstream, kept in storage_path: what this node writes at once, what others write by reconciliation (and by notifications of a MinIO).',
    ),
  reconcile_interval_seconds: z
    .number()
    .positive()
    .default(3_600)
    .describe('With `change_feed`: how often everything upstream is listed and compared with the feed.'),
  fallback_endpoints: z
    .array(endpoint)
    .min(1)
    .max(LIMITS.upstream_endpoints_max)
    .optional()
    .describe('Further addresses of the same store, tried in this order when the one before is down.'),
  region: z.string().min(1).optional(),
  path_style: z
    .boolean()
    .optional()
    .describe('`https://host/bucket/key` instead of `https://bucket.host/key`; by default for all but aws.'),
  connect_timeout_ms: z.int().min(1).max(600_000).optional().describe('5000 by default.'),
  answer_timeout_ms: z
    .int()
    .min(1)
    .max(600_000)
    .optional()
    .describe('How long the upstream may think about a request, 30000 by default.'),
  slow_answer_timeout_ms: z
    .int()
    .min(1)
    .max(3_600_000)
    .optional()
    .describe(
      'The same for copies and completions, which take their time: 120000 by default or, where that is more, answer_timeout_ms.',
    ),
  ca_file: z.string().min(1).optional().describe('PEM of a private certificate authority.'),
  documents_bucket: bucketName
    .optional()
    .describe(
      'Reserved upstream bucket for what S3 has no place for; backup-node-documents by default. Where strangers share the names of buckets, one that nobody else has.',
    ),
  credentials_file: z
    .string()
    .min(1)
    .optional()
    .describe('JSON with access_key and secret_key, read again when it changes.'),
  access_key: z.string().min(1).optional(),
  secret_key: secret(1).optional(),
  secret_key_env: z
    .string()
    .optional()
    .describe('Name of the environment variable that holds the secret key.'),
};
const adapter = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('local'), path: z.string().min(1), ...decorators }),
  z.strictObject({
    type: z.literal('s3'),
    endpoint: endpoint.optional().describe('Without it AWS in the region.'),
    provider: z
      .enum(['aws', 'minio', 'ceph', 'garage', 'r2', 'b2', 'versitygw', 'backup-node', 'generic'])
      .default('generic'),
    ...remoteAdapter,
    ...remoteDecorators,
  }),
  z.strictObject({ type: z.literal('minio'), endpoint, ...remoteAdapter, ...remoteDecorators }),
]);

const mount = z.strictObject({
  buckets: z
    .string()
    .regex(/^[a-z0-9.*-]{1,255}$/, 'lower-case letters, digits, `.`, `-` and `*`')
    .describe('A bucket name, or a pattern with `*` for any run of characters; the first that matches wins.'),
  adapter: name,
  upstream_bucket: bucketName
    .optional()
    .describe('The name of the one bucket in its adapter, where it is another one.'),
  upstream_prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,59}$/, 'the beginning of a bucket name')
    .optional()
    .describe("Stands before each bucket's name in its adapter; other buckets there are not seen."),
  read_only: z.boolean().default(false).describe('Whatever would change something there is refused.'),
});

const seedingRule = z.strictObject({
  name,
  match: z.strictObject({ buckets: z.string().default('*'), prefix: z.string().default('') }).prefault({}),
  targets: z.array(z.string().min(1)).min(1),
  mode: z.enum(['async', 'sync']).default('async'),
});

const peer = z.strictObject({
  node_id: nodeId,
  address: host,
  port: port.min(1),
  trusted: z.boolean().default(false),
});

const shardToken = z
  .strictObject({
    name: z.string().min(1).max(64),
    token: secret(32).optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, '64 hex digits')
      .optional()
      .describe('SHA-256 of the token, so that the token itself need not lie here.'),
  })
  .refine(
    (entry) => (entry.token === undefined) !== (entry.sha256 === undefined),
    'give either `token` or `sha256`',
  );

const security = z.strictObject({
  require_authentication: z
    .boolean()
    .default(true)
    .describe(
      'Shard calls need a token, but for calls over a loopback listener (see allow_anonymous_shards).',
    ),
  allowed_source_nodes: z.array(z.string()).default([]).describe('Only these may store shards; empty: any.'),
  encryption_enabled: z.boolean().default(false),
});

const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;
const lowerCaseLogLevels = ['debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical'] as const;

const monitoring = z.strictObject({
  enable_metrics: z.boolean().default(true),
  metrics_port: port
    .nullable()
    .default(null)
    .describe('A listener of its own for /metrics; null: on the node port.'),
  log_level: z.enum([...LOG_LEVELS, ...lowerCaseLogLevels]).default('INFO'),
  log_file: z
    .string()
    .min(1)
    .nullable()
    .default('logs/backup_node.log')
    .describe('Relative to the working directory; null: no file.'),
  enable_health_checks: z.boolean().default(true),
});

const network = z.strictObject({
  discovery_enabled: z.boolean().default(false),
  announce_interval_seconds: z.number().positive().default(300),
  peer_timeout_seconds: z.number().positive().default(300),
  max_peer_connections: z.int().min(1).default(50),
});

const storage = z.strictObject({
  compression_enabled: z.boolean().default(false),
  deduplication_enabled: z.boolean().default(true),
  encryption_at_rest: z.boolean().default(false),
  backup_retention_days: z.number().min(0).default(30).describe('Younger shards are never cleaned up.'),
  shard_size_limit_mb: z
    .number()
    .positive()
    .max(5 * 1024)
    .default(100),
});

export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors.'),
  node_id: nodeId.nullable().default(null).describe('null: generated once, then kept in the storage folder.'),
  storage_path: z.string().min(1).default('backup_node/storage'),
  max_storage_gb: z.number().positive().default(100),
  host: host.default('127.0.0.1').describe('The address that both doors listen on.'),
  port: port.default(8001).describe('Port of the shard API; 0 takes a free one.'),
  main_node_address: host.nullable().default(null),
  main_node_port: port.nullable().default(null),
  auto_cleanup_enabled: z.boolean().default(true),
  verification_interval_hours: z.number().positive().default(24),
  seeding_enabled: z.boolean().default(true),
  max_concurrent_transfers: z.int().min(1).default(10),
  bandwidth_limit_mbps: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Megabits a second, of transfers between nodes.'),
  allow_anonymous_shards: z
    .boolean()
    .nullable()
    .default(null)
    .describe(
      'Shard calls without a token: true: from anywhere; false: never; null: only when host is a loopback address.',
    ),
  shard_tokens: z.array(shardToken).default([]),
  s3: s3.prefault({}),
  tls: tls.prefault({}),
  users: z
    .array(user)
    .default([])
    .describe('Created at the first start; later changes are never overwritten.'),
  adapters: z.record(name, adapter).default({}).describe('Empty: one, `disk`, at storage_path.'),
  mounts: z.array(mount).default([]).describe('Empty: all buckets on the one adapter.'),
  seeding: z.strictObject({ rules: z.array(seedingRule).default([]) }).prefault({}),
  peers: z.array(peer).default([]),
  cluster_secret: secret(16).nullable().default(null),
  lifecycle_day_seconds: z
    .number()
    .positive()
    .default(86_400)
    .describe('Length of a lifecycle day; for tests.'),
  shutdown_grace_seconds: z
    .number()
    .min(0)
    .default(30)
    .describe('How long requests under way may take to end after SIGTERM.'),
  security: security.prefault({}),
  monitoring: monitoring.prefault({}),
  network: network.prefault({}),
  storage: storage.prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type UserConfig = Config['users'][number];
export type AdapterConfig = Config['adapters'][string];

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** For editors and for `backup-node config schema`. */
export function configJsonSchema(): JsonSchema {
  return {
    title: 'PlexiChat Backup Node configuration',
    ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }),
  };
}
