import {
  type Adapter,
  type ChecksumAlgorithm,
  type DeleteCondition,
  type ObjectAttributes,
  StoreError,
  unsupported,
  type WriteCondition,
} from './contract/index.js';
import { forwarding } from './forwarding.js';

type Flag =
  | 'conditional_put'
  | 'conditional_delete'
  | 'versioning'
  | 'object_lock'
  | 'tagging'
  | 'multipart'
  | 'bucket_documents'
  | 'change_feed'
  | 'usage';

/**
 * Refuses what the adapter does not declare (`unsupported`, detail.capability) and what no adapter could do (`invalid`)
 * before the adapter sees it. The one place that looks at capabilities.
 */
export function checked(inner: Adapter): Adapter {
  const check = createChecks(inner);
  return {
    ...forwarding(inner),
    ...checkedBuckets(inner, check),
    ...checkedObjects(inner, check),
    ...checkedVersions(inner, check),
    ...checkedUploads(inner, check),
    ...checkedChanges(inner, check),
  };
}

type Checks = ReturnType<typeof createChecks>;

function createChecks(inner: Adapter) {
  const { capabilities, name } = inner;
  const need = (flag: Flag): void => {
    if (!capabilities[flag]) throw unsupported(name, flag);
  };
  const bytes = (size_bytes: number, bytes_max: number, what: string): void => {
    if (!Number.isSafeInteger(size_bytes) || size_bytes < 0) throw invalid(`${what} has no valid size`);
    if (size_bytes > bytes_max) throw invalid(`${what} is larger than ${bytes_max} bytes`, { bytes_max });
  };
  return {
    need,
    key(key: string): void {
      // A key of up to a third of the limit fits however its characters are encoded.
      if (key.length > 0 && key.length * 3 <= capabilities.key_bytes_max) return;
      if (key.length === 0) throw invalid('the key is empty');
      if (Buffer.byteLength(key, 'utf8') > capabilities.key_bytes_max) {
        throw invalid(`the key is longer than ${capabilities.key_bytes_max} bytes`, {
          key_bytes_max: capabilities.key_bytes_max,
        });
      }
    },
    limit(limit: number, limit_max = capabilities.list_limit_max): void {
      if (!Number.isInteger(limit) || limit < 1 || limit > limit_max) {
        throw invalid(`a page has 1 to ${limit_max} entries`, { limit_max });
      }
    },
    version(version_id: string | undefined): void {
      // The null version is the only one of an adapter without versions.
      if (version_id !== undefined && version_id !== 'null') need('versioning');
    },
    writeCondition(condition: WriteCondition | undefined): void {
      if (condition?.if_match !== undefined || condition?.if_none_match !== undefined)
        need('conditional_put');
    },
    deleteCondition(condition: DeleteCondition | undefined): void {
      if (condition === undefined) return;
      if (Object.values(condition).some((value) => value !== undefined)) need('conditional_delete');
    },
    attributes(attributes: ObjectAttributes | undefined): void {
      if (attributes === undefined) return;
      if (attributes.tags !== undefined && Object.keys(attributes.tags).length > 0) need('tagging');
      if (attributes.retention !== undefined || attributes.legal_hold !== undefined) need('object_lock');
    },
    /** For what is to be kept: promises of a body are for every adapter to verify. */
    checksum(algorithm: ChecksumAlgorithm | undefined): void {
      if (algorithm === undefined || capabilities.checksums.includes(algorithm)) return;
      throw unsupported(name, `checksums.${algorithm}`);
    },
    putSize: (size_bytes: number) => bytes(size_bytes, capabilities.put_bytes_max, 'the body'),
    partSize: (size_bytes: number) => bytes(size_bytes, capabilities.part_bytes_max, 'the part'),
    partNumber(part_number: number): void {
      if (!Number.isInteger(part_number) || part_number < 1 || part_number > capabilities.parts_max) {
        throw invalid(`part numbers are 1 to ${capabilities.parts_max}`, {
          parts_max: capabilities.parts_max,
        });
      }
    },
    batch(count: number): void {
      if (count > capabilities.delete_batch_max) {
        throw invalid(`a batch has at most ${capabilities.delete_batch_max} deletes`);
      }
    },
  };
}

function invalid(message: string, detail: Readonly<Record<string, unknown>> = {}): StoreError {
  return new StoreError('invalid', message, { detail });
}

function checkedBuckets(inner: Adapter, check: Checks) {
  return {
    createBucket: async (input) => {
      if (input.object_lock === true) check.need('object_lock');
      if (Object.keys(input.documents ?? {}).length > 0) check.need('bucket_documents');
      return inner.createBucket(input);
    },
    putVersioning: async (input) => {
      check.need('versioning');
      return inner.putVersioning(input);
    },
    getDocument: async (input) => {
      check.need('bucket_documents');
      return inner.getDocument(input);
    },
    putDocument: async (input) => {
      check.need('bucket_documents');
      return inner.putDocument(input);
    },
    deleteDocument: async (input) => {
      check.need('bucket_documents');
      return inner.deleteDocument(input);
    },
    usage: async (input) => {
      check.need('usage');
      return inner.usage(input);
    },
  } satisfies Partial<Adapter>;
}

/** The calls of the hot path await what they return: an async function that returns a promise takes three turns more. */
function checkedObjects(inner: Adapter, check: Checks) {
  return {
    putObject: async (input) => {
      check.key(input.key);
      check.putSize(input.size_bytes);
      check.writeCondition(input.condition);
      check.attributes(input.attributes);
      return await inner.putObject(input);
    },
    getObject: async (input) => {
      check.version(input.version_id);
      oneOfRangeAndPart(input);
      return await inner.getObject(input);
    },
    headObject: async (input) => {
      check.version(input.version_id);
      oneOfRangeAndPart(input);
      return await inner.headObject(input);
    },
    deleteObject: async (input) => {
      check.version(input.version_id);
      check.deleteCondition(input.condition);
      return inner.deleteObject(input);
    },
    deleteObjects: async (input) => {
      check.batch(input.objects.length);
      for (const target of input.objects) {
        check.version(target.version_id);
        check.deleteCondition(target.condition);
      }
      return inner.deleteObjects(input);
    },
    copyObject: async (input) => {
      check.key(input.key);
      check.version(input.source.version_id);
      check.writeCondition(input.condition);
      check.attributes(input.attributes);
      check.checksum(input.checksum_algorithm);
      return inner.copyObject(input);
    },
    listObjects: async (input) => {
      check.limit(input.limit);
      return inner.listObjects(input);
    },
    verifyObject: async (input) => {
      check.version(input.version_id);
      return inner.verifyObject(input);
    },
  } satisfies Partial<Adapter>;
}

function oneOfRangeAndPart(input: { readonly range?: unknown; readonly part_number?: number }): void {
  if (input.range !== undefined && input.part_number !== undefined) {
    throw invalid('a range and a part number exclude each other');
  }
}

function checkedVersions(inner: Adapter, check: Checks) {
  return {
    listVersions: async (input) => {
      check.need('versioning');
      check.limit(input.limit);
      return inner.listVersions(input);
    },
    getTags: async (input) => {
      check.need('tagging');
      check.version(input.version_id);
      return inner.getTags(input);
    },
    putTags: async (input) => {
      check.need('tagging');
      check.version(input.version_id);
      return inner.putTags(input);
    },
    putRetention: async (input) => {
      check.need('object_lock');
      return inner.putRetention(input);
    },
    putLegalHold: async (input) => {
      check.need('object_lock');
      return inner.putLegalHold(input);
    },
  } satisfies Partial<Adapter>;
}

function checkedUploads(inner: Adapter, check: Checks) {
  return {
    createUpload: async (input) => {
      check.need('multipart');
      check.key(input.key);
      check.attributes(input.attributes);
      return inner.createUpload(input);
    },
    uploadPart: async (input) => {
      check.need('multipart');
      check.partNumber(input.part_number);
      check.partSize(input.size_bytes);
      return inner.uploadPart(input);
    },
    copyPart: async (input) => {
      check.need('multipart');
      check.partNumber(input.part_number);
      check.version(input.source.version_id);
      return inner.copyPart(input);
    },
    listParts: async (input) => {
      check.need('multipart');
      check.limit(input.limit);
      return inner.listParts(input);
    },
    listUploads: async (input) => {
      check.need('multipart');
      check.limit(input.limit);
      return inner.listUploads(input);
    },
    completeUpload: async (input) => {
      check.need('multipart');
      check.writeCondition(input.condition);
      return inner.completeUpload(input);
    },
    abortUpload: async (input) => {
      check.need('multipart');
      return inner.abortUpload(input);
    },
    listObjectParts: async (input) => {
      check.version(input.version_id);
      check.limit(input.limit, inner.capabilities.parts_max);
      return inner.listObjectParts(input);
    },
  } satisfies Partial<Adapter>;
}

function checkedChanges(inner: Adapter, check: Checks) {
  return {
    readChanges: async (input) => {
      check.need('change_feed');
      return inner.readChanges(input);
    },
    waitForChange: async (input) => {
      check.need('change_feed');
      return inner.waitForChange(input);
    },
  } satisfies Partial<Adapter>;
}
