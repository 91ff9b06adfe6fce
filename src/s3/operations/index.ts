import type { Operation } from '../operation.js';
import { abortMultipartUpload } from './abort-multipart-upload.js';
import { completeMultipartUpload } from './complete-multipart-upload.js';
import { copyObject } from './copy-object.js';
import { createBucket } from './create-bucket.js';
import { createMultipartUpload } from './create-multipart-upload.js';
import { deleteBucket } from './delete-bucket.js';
import { deleteBucketOwnershipControls } from './delete-bucket-ownership-controls.js';
import { deleteBucketTagging } from './delete-bucket-tagging.js';
import { deleteObject } from './delete-object.js';
import { deleteObjectTagging } from './delete-object-tagging.js';
import { deleteObjects } from './delete-objects.js';
import { getBucketAcl } from './get-bucket-acl.js';
import { getBucketLocation } from './get-bucket-location.js';
import { getBucketOwnershipControls } from './get-bucket-ownership-controls.js';
import { getBucketTagging } from './get-bucket-tagging.js';
import { getBucketVersioning } from './get-bucket-versioning.js';
import { getObject } from './get-object.js';
import { getObjectAcl } from './get-object-acl.js';
import { getObjectAttributes } from './get-object-attributes.js';
import { getObjectLegalHold } from './get-object-legal-hold.js';
import { getObjectLockConfiguration } from './get-object-lock-configuration.js';
import { getObjectRetention } from './get-object-retention.js';
import { getObjectTagging } from './get-object-tagging.js';
import { headBucket } from './head-bucket.js';
import { headObject } from './head-object.js';
import { listBuckets } from './list-buckets.js';
import { listMultipartUploads } from './list-multipart-uploads.js';
import { listObjectVersions } from './list-object-versions.js';
import { listObjects } from './list-objects.js';
import { listObjectsV2 } from './list-objects-v2.js';
import { listParts } from './list-parts.js';
import { postObject } from './post-object.js';
import { putBucketOwnershipControls } from './put-bucket-ownership-controls.js';
import { putBucketTagging } from './put-bucket-tagging.js';
import { putBucketVersioning } from './put-bucket-versioning.js';
import { putObject } from './put-object.js';
import { putObjectLegalHold } from './put-object-legal-hold.js';
import { putObjectLockConfiguration } from './put-object-lock-configuration.js';
import { putObjectRetention } from './put-object-retention.js';
import { putObjectTagging } from './put-object-tagging.js';
import { uploadPart } from './upload-part.js';
import { uploadPartCopy } from './upload-part-copy.js';

const ALL: readonly Operation[] = [
  abortMultipartUpload,
  completeMultipartUpload,
  copyObject,
  createBucket,
  createMultipartUpload,
  deleteBucketTagging,
  deleteBucket,
  deleteObjectTagging,
  deleteObject,
  deleteObjects,
  getBucketAcl,
  getBucketLocation,
  getBucketTagging,
  getBucketVersioning,
  getObjectAcl,
  getObjectAttributes,
  getObjectLegalHold,
  getObjectLockConfiguration,
  getObjectRetention,
  getObjectTagging,
  getObject,
  headBucket,
  headObject,
  listBuckets,
  listMultipartUploads,
  listObjectVersions,
  listObjectsV2,
  listObjects,
  listParts,
  postObject,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
  deleteBucketOwnershipControls,
  putBucketTagging,
  putBucketVersioning,
  putObjectLegalHold,
  putObjectLockConfiguration,
  putObjectRetention,
  putObjectTagging,
  putObject,
  uploadPartCopy,
  uploadPart,
];

/** All operations that are there, by name. Those that are not are in ../not-implemented.ts. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  ALL.map((operation) => [operation.name, operation]),
);
