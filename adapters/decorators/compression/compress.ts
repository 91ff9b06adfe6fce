import { LIMITS } from '../../../config/limits.js';
import type { Adapter } from '../../contract/index.js';
import type { Sealing } from '../recoded/codec.js';
import { recode } from '../recoded/recode.js';
import { compressionCodec } from './codec.js';
import { openSpool, type SpoolOptions } from './spool.js';

export interface CompressionOptions {
  /** Of zlib, 1 (fastest) to 9; 0: new contents are left as they are. */
  readonly level: number;
  readonly spool: SpoolOptions;
  /** Upstream; for what is known of the parts of unfinished uploads. Made when first needed, hidden from all calls. */
  readonly records_bucket: string;
  /** By default LIMITS.compression_object_bytes_min. */
  readonly object_bytes_min?: number;
  /** By default LIMITS.compression_stored_percent_max. */
  readonly stored_percent_max?: number;
}

/**
 * Compresses contents on their way to the adapter: each object lies there as a gzip file that anyone can read. What is
 * compressed already, small, or does not shrink lies there as it is, and so does what others wrote. Clients see sizes, ETags
 * and checksums of what they wrote; for listings of an upstream that lists no attributes each object that is not known yet is
 * asked for. `sealing` is for what is known of plaintexts, where the adapter keeps contents secret.
 */
export async function compress(
  inner: Adapter,
  options: CompressionOptions,
  sealing?: Sealing,
): Promise<Adapter> {
  const spool = await openSpool(options.spool);
  const {
    object_bytes_min = LIMITS.compression_object_bytes_min,
    stored_percent_max = LIMITS.compression_stored_percent_max,
  } = options;
  const codec = compressionCodec({
    level: options.level,
    object_bytes_min,
    stored_percent_max,
    part_bytes_min: inner.capabilities.part_bytes_min,
    spool,
    records_bucket: options.records_bucket,
    ...(sealing && { sealing }),
  });
  const adapter = recode(inner, codec);
  return {
    ...adapter,
    async close() {
      await adapter.close();
      await spool.close();
    },
  };
}
