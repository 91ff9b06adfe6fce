/** Bucket names that have a meaning of their own. */

/** The bucket whose objects are the shards. Only what lies in it is ever cleaned up. */
export const SHARD_BUCKET = 'shards';

/** In an upstream, unless the configuration names another one: what S3 has no place for. */
export const DOCUMENTS_BUCKET = 'backup-node-documents';
