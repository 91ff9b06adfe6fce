import type { Adapter } from '../contract/index.js';

/** Every call of the contract that a decorator may stand around; closing is each decorator's own affair. */
export type Method = Exclude<
  {
    [Name in keyof Adapter]: Adapter[Name] extends (input: never) => Promise<unknown> ? Name : never;
  }[keyof Adapter],
  'close'
>;

export interface CallInput {
  readonly signal?: AbortSignal | undefined;
}

/** Runs the call, as often and with what input it likes. */
export type Around = <Input extends CallInput, Result>(
  method: Method,
  input: Input,
  run: (input: Input) => Promise<Result>,
) => Promise<Result>;

/** An adapter each of whose calls goes through `around`. */
export function aroundCalls(inner: Adapter, around: Around): Adapter {
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    createBucket: (input) => around('createBucket', input, (given) => inner.createBucket(given)),
    headBucket: (input) => around('headBucket', input, (given) => inner.headBucket(given)),
    deleteBucket: (input) => around('deleteBucket', input, (given) => inner.deleteBucket(given)),
    listBuckets: (input) => around('listBuckets', input, (given) => inner.listBuckets(given)),
    putVersioning: (input) => around('putVersioning', input, (given) => inner.putVersioning(given)),
    getDocument: (input) => around('getDocument', input, (given) => inner.getDocument(given)),
    putDocument: (input) => around('putDocument', input, (given) => inner.putDocument(given)),
    deleteDocument: (input) => around('deleteDocument', input, (given) => inner.deleteDocument(given)),
    usage: (input) => around('usage', input, (given) => inner.usage(given)),
    putObject: (input) => around('putObject', input, (given) => inner.putObject(given)),
    getObject: (input) => around('getObject', input, (given) => inner.getObject(given)),
    headObject: (input) => around('headObject', input, (given) => inner.headObject(given)),
    deleteObject: (input) => around('deleteObject', input, (given) => inner.deleteObject(given)),
    deleteObjects: (input) => around('deleteObjects', input, (given) => inner.deleteObjects(given)),
    copyObject: (input) => around('copyObject', input, (given) => inner.copyObject(given)),
    listObjects: (input) => around('listObjects', input, (given) => inner.listObjects(given)),
    verifyObject: (input) => around('verifyObject', input, (given) => inner.verifyObject(given)),
    listVersions: (input) => around('listVersions', input, (given) => inner.listVersions(given)),
    getTags: (input) => around('getTags', input, (given) => inner.getTags(given)),
    putTags: (input) => around('putTags', input, (given) => inner.putTags(given)),
    putRetention: (input) => around('putRetention', input, (given) => inner.putRetention(given)),
    putLegalHold: (input) => around('putLegalHold', input, (given) => inner.putLegalHold(given)),
    createUpload: (input) => around('createUpload', input, (given) => inner.createUpload(given)),
    uploadPart: (input) => around('uploadPart', input, (given) => inner.uploadPart(given)),
    copyPart: (input) => around('copyPart', input, (given) => inner.copyPart(given)),
    listParts: (input) => around('listParts', input, (given) => inner.listParts(given)),
    listUploads: (input) => around('listUploads', input, (given) => inner.listUploads(given)),
    completeUpload: (input) => around('completeUpload', input, (given) => inner.completeUpload(given)),
    abortUpload: (input) => around('abortUpload', input, (given) => inner.abortUpload(given)),
    listObjectParts: (input) => around('listObjectParts', input, (given) => inner.listObjectParts(given)),
    readChanges: (input) => around('readChanges', input, (given) => inner.readChanges(given)),
    waitForChange: (input) => around('waitForChange', input, (given) => inner.waitForChange(given)),
    maintain: (input) => around('maintain', input, (given) => inner.maintain(given)),
    close: () => inner.close(),
  };
}
