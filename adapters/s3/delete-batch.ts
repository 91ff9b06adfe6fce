import { createHash } from 'node:crypto';
import { children, childText, type XmlElement } from '../../src/wire/xml.js';
import { type DeleteObjectResult, type DeleteObjectsInput, StoreError } from '../contract/index.js';
import type { S3Context } from './context.js';
import { NOTHING, toResult, wasMissing } from './delete-results.js';
import { entryError } from './errors.js';
import { readListing } from './listing.js';

export type BatchResult = DeleteObjectResult | { readonly error: Error };
type Target = DeleteObjectsInput['objects'][number];

export interface BatchInput {
  readonly bucket: string;
  /** All with the same `bypass_governance`, none with a condition. */
  readonly objects: readonly Target[];
  readonly signal?: AbortSignal | undefined;
}

/** One DeleteObjects request; one result for each object, in order. */
export async function deleteBatch(context: S3Context, input: BatchInput): Promise<BatchResult[]> {
  const { bucket, objects, signal } = input;
  const { versioning } = context.capabilities;
  const nameOf = naming(versioning);
  const named = new Map(objects.map((target) => [nameOf(target.key, target.version_id), target]));
  const body = Buffer.from(toDocument([...named.values()]));
  const bypass = objects.some((target) => target.bypass_governance === true);
  const answer = await context.upstream.sendForText({
    method: 'POST',
    bucket,
    query: { delete: '' },
    headers: {
      'content-type': 'application/xml',
      // S3 API reference, "DeleteObjects": a digest of the document is required.
      'content-md5': createHash('md5').update(body).digest('base64'),
      'x-amz-bypass-governance-retention': bypass ? 'true' : undefined,
    },
    body,
    signal,
  });
  const result = readListing(answer.text.trimStart(), 'DeleteResult');
  const find = (type: 'Deleted' | 'Error') => {
    const told = byName(children(result, type), nameOf);
    // Servers may leave out the version of what they deleted.
    return ({ key, version_id }: Target) => told.get(nameOf(key, version_id)) ?? told.get(nameOf(key));
  };
  const [deletedOf, failedOf] = [find('Deleted'), find('Error')];
  return objects.map((target) => {
    const deleted = deletedOf(target);
    const failed = failedOf(target);
    if (!versioning && failed === undefined && deleted !== undefined) return NOTHING;
    return toBatchResult(deleted, failed, target.version_id);
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_IN_XML = /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/;

/** Whether a document can name the key, and servers, which trim names, take it as it is. */
export function fitsXml(key: string): boolean {
  return !NOT_IN_XML.test(key) && key === key.trim();
}

function toDocument(targets: readonly Target[]): string {
  const objects = targets.map(({ key, version_id }) => {
    const version = version_id === undefined ? '' : `<VersionId>${escapeText(version_id)}</VersionId>`;
    return `<Object><Key>${escapeText(key)}</Key>${version}</Object>`;
  });
  return `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects.join('')}</Delete>`;
}

/** White space as references, because a parser may fold it (XML 1.0, sections 2.11 and 3.3.3). */
function escapeText(text: string): string {
  return text.replaceAll(/[&<>"\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

type Naming = (key: string, version_id?: string) => string;

/** By key and version; by key alone where servers without versions may name some of their own. */
function naming(versioning: boolean): Naming {
  // A version id has no NUL.
  return versioning ? (key, version_id = '') => `${version_id}\u0000${key}` : (key) => key;
}

function byName(elements: readonly XmlElement[], nameOf: Naming): Map<string, XmlElement> {
  return new Map(
    elements.map((element) => {
      const name = nameOf(childText(element, 'Key') ?? '', childText(element, 'VersionId'));
      return [name, element];
    }),
  );
}

function toBatchResult(
  deleted: XmlElement | undefined,
  failed: XmlElement | undefined,
  version_id: string | undefined,
): BatchResult {
  if (failed !== undefined) {
    const error = entryError(childText(failed, 'Code') ?? '', childText(failed, 'Message') ?? '');
    return wasMissing(error, version_id) ? toResult(version_id, false, version_id) : { error };
  }
  if (deleted === undefined) {
    const message = `the upstream did not say what became of ${JSON.stringify(version_id)}`;
    return { error: new StoreError('unexpected', message, { subject: 'adapter' }) };
  }
  const marker = childText(deleted, 'DeleteMarker') === 'true';
  const marker_version = childText(deleted, 'DeleteMarkerVersionId') || undefined;
  return toResult(version_id ?? marker_version, marker, version_id) ?? NOTHING;
}
