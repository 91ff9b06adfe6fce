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
  /** S3 User Guide, "Using cost allocation S3 bucket tags". */
  tags_per_bucket_max: 50,
  /** S3 API reference, "ListBuckets": MaxBuckets. */
  list_buckets_max: 10_000,
  /** How long a slow operation may think before its answer begins with white space. */
  slow_reply_after_ms: 2_000,
  /** A request document (DeleteObjects, CompleteMultipartUpload, ...). */
  xml_bytes_max: 1024 ** 2,
  http_header_bytes_max: 32 * 1024,
  /** Of one door; further connections are closed at once. */
  http_connections_max: 10_000,
  /** Until the request line and headers are there; bodies are bounded by a rate instead. */
  http_headers_timeout_ms: 20_000,
  /** Longer than the usual 60 s of load balancers, so that they close idle connections, not we. */
  http_keep_alive_timeout_ms: 75_000,
  /** A body that arrives slower than this over the window, while we ask for more, ends its connection. */
  http_body_bytes_per_second_min: 256,
  http_body_window_ms: 30_000,
  /** An answer of which not one buffer could be sent for this long ends its connection. */
  http_answer_stall_ms_max: 120_000,
  http_rate_check_interval_ms: 5_000,
  /** At shutdown, how long an idle connection is still served before it is closed. */
  http_drain_linger_ms: 750,
  access_keys_max: 10_000,
  shard_tokens_max: 1_000,
  /** Documents of the control API. */
  control_body_bytes_max: 64 * 1024,
} as const;
