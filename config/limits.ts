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
  /** S3 API reference, "POST Object": the fields before the file. */
  post_fields_bytes_max: 20 * 1024,
  /** A form of this size is read whole, so that fields may follow the file. */
  post_whole_bytes_max: 64 * 1024,
  /** How long a slow operation may think before its answer begins with white space. */
  slow_reply_after_ms: 2_000,
  /** A request document (DeleteObjects, CompleteMultipartUpload, ...). */
  xml_bytes_max: 1024 ** 2,
  /** CompleteMultipartUpload names up to parts_max parts, each with ETag and checksum: about 200 bytes. */
  parts_xml_bytes_max: 4 * 1024 ** 2,
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
  control_answer_bytes_max: 16 * 1024 ** 2,
  verify_progress_interval_ms: 200,
  verify_ahead_count: 4,
  /** Bytes of UTF-8 of a shard id: it is an object key. */
  shard_id_bytes_max: 1_024,
  /** JSON text of a shard's metadata. */
  shard_metadata_bytes_max: 64 * 1024,
  shard_source_node_bytes_max: 256,
  /** Shards up to this size are read, checked and answered as one piece; larger ones are verified, then streamed. */
  shard_whole_bytes_max: 1024 ** 2,
  /** Request bodies up to this size are parsed as one piece; larger ones are decoded as they arrive. */
  shard_body_whole_bytes_max: 64 * 1024,
  /** All that a JSON store request may hold beside its shard_data. */
  shard_body_rest_bytes_max: 128 * 1024,
  /** How long a start waits for the shard bucket's home; later the first write makes the bucket. */
  shard_bucket_wait_ms_max: 3_000,
  /** Memory for shards that arrive as JSON, all requests together. */
  shard_bodies_bytes_max: 128 * 1024 ** 2,
  /** How long a store request waits for such memory before it is answered 503. */
  shard_bodies_wait_ms_max: 30_000,
  /** After a refusal before the body was read: how much of it is still taken in, so that the client sees the answer. */
  refused_body_bytes_max: 8 * 1024 ** 2,
  refused_body_ms_max: 2_000,
  refused_body_look_ms: 20,
  /** Shards per piece of a streamed listing. */
  shard_page_count: 1_000,
  /** Shards that are looked at together, where a listing does not tell all of them. */
  shard_lookups_at_once: 16,
  registered_nodes_max: 10_000,
  node_id_bytes_max: 256,
  /** Verification results of reads that wait to be written together. */
  verifications_pending_max: 10_000,
  verifications_flush_ms: 5_000,
  /** Bucket names whose mount is remembered. */
  mounted_buckets_cached_max: 10_000,
  /**
   * ListBuckets waits so long for a mount; then it answers without that one (clients give up after 60 s or so), and
   * does not wait for it again until that many milliseconds have passed.
   */
  mount_list_wait_ms_max: 5_000,
  mount_list_pause_ms: 10_000,
  /** How long `config check --online` waits for an answer of each upstream. */
  config_check_wait_ms: 5_000,
  /** Buckets of upstreams, which do not count what they hold, are counted by listing: pages of so many, at most so many. */
  usage_count_page_count: 1_000,
  usage_count_pages_max: 10_000,
  /** How old the count of a bucket of more than one page may be. */
  usage_count_kept_ms: 60_000,
  /** How long a status waits for a count that is under way. */
  usage_count_wait_ms_max: 500,
  usage_counts_max: 1_000,
  /** Candidates for removal that cleanup keeps from one walk over the shards. */
  cleanup_candidates_max: 1_000,
  scrub_page_count: 100,
  /** The scrub's pace, unless more is needed to be through within the interval. */
  scrub_bytes_per_second: 16 * 1024 ** 2,
  /** What one object costs the scrub beside its bytes. */
  scrub_object_cost_bytes: 16 * 1024,
  sweep_interval_ms: 10 * 60_000,
  upkeep_retry_ms: 60_000,

  /** S3 door. Payloads up to this size are handed over in one piece. */
  whole_payload_bytes_max: 64 * 1024,
  /** Bodies without a length (Transfer-Encoding: chunked) are taken up to this size; AWS takes none. */
  unsized_payload_bytes_max: 1024 ** 2,
  /** Of an upload, read ahead of the one who takes it. */
  payload_ahead_bytes_max: 256 * 1024,
  /** A smaller piece of a body is left to the garbage collector. */
  freed_piece_bytes_min: 16 * 1024,
  /** `SIZE;chunk-signature=HEX` is at most 97 bytes long. */
  chunk_header_bytes_max: 256,
  chunk_trailer_bytes_max: 4 * 1024,
  /** S3 API reference, "Authenticating Requests": clocks may differ by 15 minutes, presigned URLs last 7 days at most. */
  clock_skew_ms_max: 15 * 60_000,
  presigned_seconds_max: 7 * 24 * 3_600,
  /** White space that keeps the connection of a slow answer alive. */
  slow_reply_space_interval_ms: 5_000,

  /** Local adapter, index. Blobs that nothing refers to stay this long, for readers that began before. */
  garbage_grace_ms: 10 * 60_000,
  /** Completed uploads are remembered, so that completing again after a lost answer succeeds. */
  completed_uploads_kept_ms: 3 * 24 * 3_600_000,
  changes_kept_max: 1_000_000,
  /** Parts of finished multipart objects whose records stay decoded: 8 MiB or so. */
  manifest_parts_cached_max: 20_000,

  /**
   * Local adapter, blobs. Bodies up to this size live in the index. Durable puts with 32 in flight, in the index and as
   * files, on 2 cores: 4 KiB 7,600/s and 1,700/s, 16 KiB 5,100 and 900, 32 KiB 4,100 and 1,100, 64 KiB 2,450 and 600,
   * 128 KiB 860 and 650; gets 85,000/s and 16,000/s, ..., 64 KiB 29,000 and 10,000, 128 KiB 13,600 and 6,700. Above 64 KiB
   * writing gains little, and the index, which never gives space back to the disk, would grow with large bodies.
   */
  blob_inline_bytes_max: 64 * 1024,
  /**
   * Larger bodies are hashed by worker threads. Up to here the main thread takes less processor time for the hashes
   * (3.8 ms per MiB: 1 ms at most) than for asking workers; 8 puts at a time of 192 to 256 KiB were 20 % faster in place.
   */
  blob_hash_in_place_bytes_max: 256 * 1024,
  /** The same while the workers of a node that was idle start: 8 MiB take 30 ms in pieces of 2 ms, two workers 100 to 250. */
  blob_hash_meanwhile_bytes_max: 8 * 1024 ** 2,
  /** At least 2: one upload reaches 500 MiB/s with MD5 on a worker of its own, 350 MiB/s with all hashes on one. */
  blob_hash_workers_max: 4,
  /** Blocks of 512 KiB that one upload may hold, and that all uploads and verifications together may hold. */
  blob_upload_blocks_max: 4,
  blob_write_blocks_max: 64,
  /** Files of this size and more are written past the page cache, so many blocks at a time. */
  blob_direct_bytes_min: 16 * 1024 ** 2,
  blob_direct_writes_max: 2,
  /**
   * Unsynced bytes of a file after which the disk is told to begin writing: 256 MiB in 510 ms, against 560 ms when all is
   * left to the last sync.
   */
  blob_writeback_bytes: 16 * 1024 ** 2,
  /** Compressed contents. Fewer bytes than this are left as they are; up to the second bound the main thread does it. */
  blob_compress_bytes_min: 256,
  blob_compress_in_place_bytes_max: 16 * 1024,
  /** Of the beginning of a large body, to see whether it shrinks at all. */
  blob_compress_sample_bytes: 64 * 1024,
  /** Blocks that are compressed or decompressed at a time: each holds one of libuv's threads for 5 ms or so. */
  blob_compressions_max: 2,
  /** Syncs of large files at a time: each holds one of libuv's threads, which the index needs too. */
  blob_long_syncs_max: 2,
  /**
   * Blocks that all downloads together may hold, that one fills ahead (256 MiB out of the page cache at 3.3 to 4.5 GiB/s,
   * checksums included), and that none keeps while its client is slow.
   */
  blob_read_blocks_max: 128,
  blob_read_ahead_blocks: 3,
  blob_read_reserve_blocks: 32,
  /** Chunk of downloads while no more than the reserve is free. */
  blob_lean_chunk_bytes: 64 * 1024,
  /** Time without work after which hash workers end and free blocks are given back. */
  blob_idle_ms: 30_000,

  /** Decorators of adapters. Calls that may wait for their turn, and for how long. */
  adapter_queue_max: 1_000,
  adapter_queue_wait_ms_max: 30_000,
  /** How long a body that nobody begins to read counts as a call under way. */
  adapter_unread_body_ms_max: 1_000,
  /** A call that has taken so long is not repeated: its client is about to give up. */
  adapter_retry_elapsed_ms_max: 15_000,
  /** Repeats that may come at once after a quiet time, before the budget holds them back. */
  adapter_retry_burst: 20,
  /** Read cache. Contents on their way into it, all together; further reads pass by. */
  cache_loads_bytes_max: 64 * 1024 ** 2,
  cache_disk_writes_max: 16,
  /** Keys whose objects are known to be too large for it, and for how long. */
  cache_large_objects_max: 10_000,
  cache_large_objects_ms: 60_000,
  /** Encryption and compression, each. Pieces (parts, or objects of one) whose digests are remembered, and reads of them at a time. */
  recoded_known_pieces_max: 200_000,
  recoded_known_uploads_max: 10_000,
  recoded_trailers_at_once: 16,
  /** With more metadata than this an object has its digests in its trailer only: upstreams take 2 KB of ours and theirs together. */
  recoded_digests_metadata_bytes_max: 512,
  /** Keys whose objects lie upstream as clients see them. */
  recoded_unchanged_keys_max: 100_000,
  /** Listed objects that are asked for at a time, where a listing does not tell of their plaintexts. */
  recoded_lookups_at_once: 32,
  /** An upload is to be completed this long after each of its parts. */
  recoded_part_records_kept_ms: 14 * 24 * 3_600_000,

  /** Compression. Smaller objects are left as they are, and so is what saves less than a twentieth. */
  compression_object_bytes_min: 4 * 1024,
  compression_stored_percent_max: 95,
  /** Of the beginning of a body, to see whether it shrinks at all. */
  compression_sample_bytes: 64 * 1024,
  /** Frames at a time, of all adapters: each holds one of libuv's four threads for 20 ms or so. */
  compressions_at_once: 2,
  /** The same for 3 ms or so. */
  decompressions_at_once: 2,
  /** Tables of frames that are remembered, each of up to 32 KiB. */
  compression_tables_known_bytes: 16 * 1024 ** 2,
  /** Of one body, before it goes to a file. */
  spool_memory_bytes_max: 1024 ** 2,
  /** How long a body waits for room in the spool before it goes on without it. */
  spool_wait_ms_max: 10_000,

  /** Change feeds of upstreams. Versions that the inventory knows; what is beyond it is told as gaps. About 200 bytes each. */
  feed_inventory_max: 50_000_000,
  /** Versions of one key that reconciliation compares. */
  feed_versions_of_key_max: 100_000,
  /** Writes of unknown effect; beyond it a whole pass of reconciliation finds what became of them. */
  feed_unresolved_max: 10_000,
  /** Lookups of one such write that the upstream refuses, before a whole pass is left to find out about it. */
  feed_lookups_of_write_max: 8,
  /** An upstream may carry out what it was sent after the answer was given up. */
  feed_second_look_ms: 60_000,
  feed_retry_ms_max: 30_000,
  /** Deletes of a batch that are looked up because the feed does not know whether there is something to delete. */
  feed_lookups_at_once: 16,
  /** Deletes that were told of and that a notification may repeat. */
  feed_deletes_remembered_max: 10_000,

  /** MinIO. How often its buffer of records is filled, where it does not send them by itself. */
  minio_flush_interval_ms: 2_000,
  /** A stream on which nothing comes for so long is dead. */
  minio_silence_ms_max: 30_000,
  /** Each silent stream behind another is given twice as long, up to this: every new one costs a whole pass. */
  minio_long_silence_ms_max: 3_600_000,
  minio_record_bytes_max: 1024 ** 2,
  /** Records that may wait to be written. */
  minio_records_unwritten_max: 1_000,

  /** Whether an adapter can be reached: how long its answer may take, and how old one may be. */
  adapter_check_ms_max: 3_000,
  adapter_check_age_ms_max: 2_000,

  /** S3 adapter. Connections to one upstream; further requests wait for a free one. */
  upstream_connections_max: 128,
  upstream_connect_timeout_ms: 5_000,
  /**
   * Looking for credentials: how long a call waits, and how long a look-up without an answer (a service, a process that the
   * AWS SDK was told to run) stands in the way of another one.
   */
  upstream_credentials_wait_ms_max: 10_000,
  upstream_credentials_given_up_ms: 60_000,
  /** Credentials that the upstream refuses are looked for anew, not more often than that. */
  upstream_credentials_renewal_ms_min: 5_000,
  /** Addresses of one store, and how long one that was found down is asked last. */
  upstream_endpoints_max: 16,
  upstream_endpoint_rest_ms: 10_000,
  /** From the end of a request to the headers of its answer: below the 60 s after which usual clients give up. */
  upstream_headers_timeout_ms: 30_000,
  /** The same for copies and completes, which take their time. */
  upstream_slow_headers_timeout_ms: 120_000,
  /** How long a request waits for one of the connections. */
  upstream_connection_wait_ms_max: 30_000,
  /** Between two pieces of a body, either way. */
  upstream_body_timeout_ms: 30_000,
  /** A connection is paused when so much of its answer, in two pieces or more, was read ahead of the one who takes it. */
  upstream_ahead_bytes: 256 * 1024,
  /** Or when it lies in so many pieces. */
  upstream_pieces_ahead_max: 1_024,
  /** Memory into which a connection reads at first, and what has to be left of it, or come at once, to go on with it. */
  upstream_read_bytes: 64 * 1024,
  upstream_read_bytes_min: 16 * 1024,
  /** What large answers are read into while there are so many of them at once; how much of it is kept for further ones. */
  upstream_large_reads: [
    { answers_max: 8, size_bytes: 1024 ** 2, kept_max: 16 },
    { answers_max: Number.POSITIVE_INFINITY, size_bytes: 256 * 1024, kept_max: 32 },
  ],
  /** From which size on an answer counts as large, until it has been read. */
  upstream_large_answer_bytes: 64 * 1024,
  /** Servers close idle connections after a minute or more; closing earlier avoids the race. */
  upstream_keep_alive_ms: 20_000,
  /** How long closing waits for transfers that go on. */
  upstream_close_ms: 5_000,
  /** A listing of 1,000 keys of 1,024 bytes, each byte escaped. */
  upstream_xml_bytes_max: 16 * 1024 ** 2,
  upstream_error_bytes_max: 64 * 1024,
  /** Bodies up to this size travel in one piece, with a signature over them. */
  upstream_whole_body_bytes_max: 64 * 1024,
  /** How long the answer to a put waits for the confirmation of its ETag. */
  upstream_confirm_ms_max: 5_000,
  /** Frame of an aws-chunked upload; AWS wants at least 8 KiB. */
  upstream_frame_bytes: 128 * 1024,
  /** Answers that nobody reads yet hold a connection this long, and at most so many of them. */
  upstream_unread_ms: 2_000,
  upstream_unread_max: 32,
  /** A reserved bucket that is another account's is asked about again, should somebody have mended that. */
  upstream_foreign_bucket_ms: 10_000,
  /** How old what is known of a bucket (owner, versioning, its documents) may be when others changed it. */
  upstream_bucket_info_ms: 2_000,
  upstream_bucket_infos_max: 10_000,
  /** Who made which bucket, for lists of buckets: 400 bytes or so each. More of them are read anew for each list. */
  upstream_listed_records_max: 50_000,
  /** Larger documents are read each time. */
  upstream_records_known_max: 1_000,
  upstream_record_kept_bytes_max: 32 * 1024,
  upstream_uploads_known_max: 10_000,
  /** Parts whose checksums the upstream does not keep: two hundred bytes or so each. */
  upstream_verified_parts_max: 50_000,
  /** Records of uploads that one sweep looks at, and the age from which it does: a live upload costs two requests. */
  upstream_upload_records_swept: 200,
  upstream_upload_record_age_ms: 3_600_000,
  /** Copies with a condition go through the node up to this size; above it in copied parts, where they may be of parts. */
  upstream_copy_through_bytes_max: 8 * 1024 ** 2,
  upstream_copy_part_bytes: 512 * 1024 ** 2,
  /** Copies that a newer write won over; the waits between them double and make a second together. */
  upstream_copy_rounds_max: 10,
} as const;
