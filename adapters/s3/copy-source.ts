import { encodeUriPath } from '../../src/wire/uri.js';
import type { XmlElement } from '../../src/wire/xml.js';
import type { ObjectAddress, ObjectInfo } from '../contract/index.js';
import { answerError } from './errors.js';
import { readListing } from './listing.js';
import { readError, type TextAnswer } from './upstream.js';

/** x-amz-copy-source, pinned to the version that was looked at; `null` is named only where it was asked for by name. */
export function copySource(
  source: Pick<ObjectAddress, 'bucket' | 'key' | 'version_id'>,
  info: ObjectInfo,
): string {
  const path = `/${source.bucket}/${encodeUriPath(source.key)}`;
  const version_id = info.version_id === 'null' ? source.version_id : info.version_id;
  return version_id === undefined ? path : `${path}?versionId=${encodeURIComponent(version_id)}`;
}

/** S3 API reference, "CopyObject": an answer with status 200 may hold an error. */
export function readCopyResult(answer: TextAnswer, root: string): XmlElement {
  const { code, message } = readError(answer.text);
  if (code !== undefined) throw answerError(500, code, message ?? '');
  return readListing(answer.text.trimStart(), root);
}
