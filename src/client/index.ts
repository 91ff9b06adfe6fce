/** The client library: what `import … from 'plexichat-backup-node'` gives. */
export { BackupNodeClient, type BackupNodeClientOptions } from './backup-node-client.js';
export {
  BackupNodeManager,
  type ClusterStatus,
  type ManagedNodeOptions,
  type RedundantStoreOptions,
  type RedundantStoreResult,
} from './backup-node-manager.js';
export { BackupNodeError, CLIENT_ERROR_KINDS, type ClientErrorKind } from './errors.js';
export type * from './types.js';
