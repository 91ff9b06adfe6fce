import type {
  CopyObjectInput,
  CopyObjectResult,
  ObjectAttributes,
  ObjectInfo,
} from '../../../adapters/contract/index.js';
import { writeCondition } from '../conditions.js';
import { type CheckedSource, checkCopySize, checkSource, copyChecked } from '../copy-access.js';
import { invalidArgument, S3Error } from '../errors.js';
import { newObjectAttributes } from '../new-object.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { readVersionHeader } from '../parameters/address.js';
import { algorithmHeader, checksumXml } from '../parameters/checksums.js';
import { type CopySource, parseCopySource } from '../parameters/copy-source.js';
import { headerText } from '../parameters/header-text.js';
import { wholeSecondsXml } from '../parameters/times.js';
import { replyWhenReady } from '../slow-reply.js';
import { xmlDocument } from '../xml.js';

/** S3 API reference, "CopyObject". */
export const copyObject: Operation = { name: 'CopyObject', action: 's3:PutObject', body: 'none', run };

async function run(context: OperationContext): Promise<Reply> {
  const { headers } = context;
  const source = parseCopySource(headers);
  const replacesMetadata = directive(context, 'x-amz-metadata-directive');
  const replacesTags = directive(context, 'x-amz-tagging-directive');
  refuseNoChange(context, source, replacesMetadata || replacesTags);
  const checked = await checkSource(context, source);
  checkCopySize(checked.info.size_bytes);
  const attributes = await newObjectAttributes(context);
  const choice = { attributes, replacesMetadata, replacesTags };
  const work = copyChecked(context, source, checked, (seen) => {
    checkCopySize(seen.info.size_bytes);
    return context.store.copyObject(copyInput(context, seen, choice));
  });
  return replyWhenReady(replyTo(work));
}

/** COPY, the default, or REPLACE. */
function directive({ headers }: OperationContext, name: string): boolean {
  const value = headerText(headers, name);
  if (value === undefined || value === 'COPY') return false;
  if (value === 'REPLACE') return true;
  throw invalidArgument(name, value, `Unknown ${name.slice('x-amz-'.length).replace('-', ' ')}.`);
}

/** Headers that change an object by themselves when it is copied onto itself. */
const CHANGES = ['x-amz-storage-class', 'x-amz-website-redirect-location', 'x-amz-checksum-algorithm'];

function refuseNoChange({ bucket, key, headers }: OperationContext, source: CopySource, replaces: boolean) {
  if (source.bucket !== bucket || source.key !== key || source.version_id !== undefined) return;
  if (replaces || CHANGES.some((name) => headers[name] !== undefined)) return;
  throw new S3Error('InvalidRequest', {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}

interface Choice {
  readonly attributes: ObjectAttributes;
  readonly replacesMetadata: boolean;
  readonly replacesTags: boolean;
}

function copyInput(
  context: OperationContext,
  { source, info }: CheckedSource,
  choice: Choice,
): CopyObjectInput {
  const { bucket, key, headers, signal } = context;
  const condition = writeCondition(headers);
  const checksum_algorithm = algorithmHeader(headers, 'x-amz-checksum-algorithm');
  return {
    source,
    bucket,
    key,
    ...described(choice, info),
    replace_tags: choice.replacesTags,
    signal,
    ...(condition === undefined ? {} : { condition }),
    ...(checksum_algorithm === undefined ? {} : { checksum_algorithm }),
  };
}

/** The redirect location is never copied (S3 API reference, "CopyObject"), although the other headers may be. */
function described(
  { attributes, replacesMetadata }: Choice,
  info: ObjectInfo,
): Pick<CopyObjectInput, 'attributes' | 'replace_attributes'> {
  const redirect = attributes.headers?.website_redirect_location;
  if (replacesMetadata) return { attributes, replace_attributes: true };
  if (redirect === info.headers.website_redirect_location) return { attributes, replace_attributes: false };
  const { website_redirect_location: _, ...kept } = info.headers;
  const headers = redirect === undefined ? kept : { ...kept, website_redirect_location: redirect };
  return { attributes: { ...attributes, headers, metadata: info.metadata }, replace_attributes: true };
}

async function replyTo(copied: Promise<CopyObjectResult>) {
  const { info, source_version_id } = await copied;
  const content =
    `<LastModified>${wholeSecondsXml(info.modified_at_ms)}</LastModified>` +
    `<ETag>&quot;${info.etag}&quot;</ETag>${checksumXml(info.checksum, true)}`;
  return {
    headers: {
      ...readVersionHeader(info),
      ...(source_version_id === 'null' ? {} : { 'x-amz-copy-source-version-id': source_version_id }),
    },
    body: xmlDocument('CopyObjectResult', content),
  };
}
