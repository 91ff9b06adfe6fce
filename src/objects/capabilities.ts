import type { Adapter, Capabilities } from '../../adapters/contract/index.js';

function narrower(a: Capabilities, b: Capabilities): Capabilities {
  return {
    conditional_put: a.conditional_put && b.conditional_put,
    conditional_delete: a.conditional_delete && b.conditional_delete,
    versioning: a.versioning && b.versioning,
    object_lock: a.object_lock && b.object_lock,
    tagging: a.tagging && b.tagging,
    multipart: a.multipart && b.multipart,
    bucket_documents: a.bucket_documents && b.bucket_documents,
    // Cursors of two adapters have no common order.
    change_feed: false,
    usage: a.usage && b.usage,
    checksums: a.checksums.filter((algorithm) => b.checksums.includes(algorithm)),
    default_checksum: a.default_checksum === b.default_checksum ? a.default_checksum : null,
    part_bytes_min: Math.max(a.part_bytes_min, b.part_bytes_min),
    part_bytes_max: Math.min(a.part_bytes_max, b.part_bytes_max),
    parts_max: Math.min(a.parts_max, b.parts_max),
    object_bytes_max: Math.min(a.object_bytes_max, b.object_bytes_max),
    put_bytes_max: Math.min(a.put_bytes_max, b.put_bytes_max),
    delete_batch_max: Math.min(a.delete_batch_max, b.delete_batch_max),
    list_limit_max: Math.min(a.list_limit_max, b.list_limit_max),
    key_bytes_max: Math.min(a.key_bytes_max, b.key_bytes_max),
  };
}

/** What every one of the adapters can do: a caller that keeps to it is understood by all mounts. */
export function commonCapabilities(adapters: readonly Adapter[]): Capabilities {
  return adapters.map(({ capabilities }) => capabilities).reduce(narrower);
}
