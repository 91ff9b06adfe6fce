/** Every bound of the node, in one place, unit in its name. Wire limits name the page they come from. */
export const LIMITS = {
  /** S3 User Guide, "Creating object key names". */
  key_bytes_max: 1_024,
  /** S3 User Guide, "Working with object metadata": names and values together. */
  metadata_bytes_max: 2_048,
  /** S3 API reference, "Multipart upload limits". */
  part_bytes_min: 5 * 1024 ** 2,
  part_bytes_max: 5 * 1024 ** 3,
  parts_max: 10_000,
  put_bytes_max: 5 * 1024 ** 3,
  object_bytes_max: 5 * 1024 ** 4,
  list_keys_max: 1_000,
  delete_batch_max: 1_000,
  /** S3 User Guide, "Object tagging". */
  tags_per_object_max: 10,
  /** A request document (DeleteObjects, CompleteMultipartUpload, ...). */
  xml_bytes_max: 1024 ** 2,
  http_header_bytes_max: 32 * 1024,
} as const;
