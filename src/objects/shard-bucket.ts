/** The bucket whose objects are the shards. Only what lies in it is ever cleaned up. */
export const SHARD_BUCKET = 'shards';
