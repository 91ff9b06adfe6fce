import type { IncomingHttpHeaders } from 'node:http';
import { LIMITS } from '../../../config/limits.js';
import type { Identity } from '../../access/identity.js';
import { authorise } from '../authorise.js';
import { S3Error } from '../errors.js';
import type { Operation, OperationContext, Payload, Reply } from '../operation.js';
import { encodeHeader } from '../parameters/header-text.js';
import { parseTagging } from '../parameters/tags.js';
import { identifyForm } from '../post/credentials.js';
import { type PostForm, readPostForm } from '../post/form.js';
import { checkPolicy, parsePolicy } from '../post/policy.js';
import { postReply } from '../post/reply.js';
import { parseXml } from '../xml.js';
import { putObject } from './put-object.js';

/** S3 API reference, "POST Object": an upload out of an HTML form, authorised by a signed policy. */
export const postObject: Operation = {
  name: 'PostObject',
  action: 's3:PutObject',
  body: 'stream',
  credentials_in_body: true,
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { bucket, store, credentials, region, signal, payload } = context;
  const form = await readPostForm(context.headers['content-type'], payload);
  const fields = new Map(form.fields);
  const key = objectKey(form);
  fields.set('key', key);
  fields.set('bucket', bucket);
  const identity = identifyForm(fields, credentials, region);
  const policy = fields.get('policy');
  if (policy !== undefined) checkPolicy(parsePolicy(policy), fields, form.file.size_bytes, Date.now());
  await authorise({ operation: 'PostObject', bucket, identity, store, signal });
  const put = await putObject.run(uploadContext(context, form, fields, identity));
  return postReply(context, key, fields, put);
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is S3's placeholder, not ours
const FILENAME = '${filename}';

/** The key as it will be: the placeholder stands for the name of the file. */
function objectKey({ fields, file }: PostForm): string {
  const template = fields.get('key');
  if (template === undefined || template === '') {
    throw new S3Error('InvalidArgument', {
      message:
        "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.",
      fields: { ArgumentName: 'key', ArgumentValue: '' },
    });
  }
  const key = template.replaceAll(FILENAME, () => file.filename);
  const size = Buffer.byteLength(key);
  if (size > LIMITS.key_bytes_max) {
    throw new S3Error('KeyTooLongError', { fields: { Size: size, MaxSizeAllowed: LIMITS.key_bytes_max } });
  }
  return key;
}

/** The same upload as a PutObject: fields take the place of headers, the file that of the body. */
function uploadContext(
  context: OperationContext,
  { file }: PostForm,
  fields: ReadonlyMap<string, string>,
  identity: Identity,
): OperationContext {
  const payload: Payload = {
    size_bytes: file.size_bytes,
    sha256: undefined,
    body: async () => file.body,
    stream: () => file.body,
    text: () => Promise.reject(new Error('the file of a form is no document')),
    trailer: () => undefined,
  };
  return { ...context, identity, key: fields.get('key') ?? '', headers: headersOf(fields), payload };
}

/** Fields that have the name and meaning of a header of PutObject. */
const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-type',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
]);
/** x-amz-* fields that belong to the signature. */
const SIGNATURE_FIELDS: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-signature',
  'x-amz-security-token',
]);

function headersOf(fields: ReadonlyMap<string, string>): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of fields) {
    const taken = CONTENT_FIELDS.has(name) || (name.startsWith('x-amz-') && !SIGNATURE_FIELDS.has(name));
    if (taken) headers[name] = encodeHeader(value);
  }
  const acl = fields.get('acl');
  if (acl !== undefined) headers['x-amz-acl'] = acl;
  const tagging = fields.get('tagging');
  if (tagging !== undefined) headers['x-amz-tagging'] = taggingHeader(tagging);
  return headers;
}

/** The `tagging` field is a document where the header is form-encoded. */
function taggingHeader(document: string): string {
  const tags = parseTagging(parseXml(document, 'Tagging'), LIMITS.tags_per_object_max);
  return new URLSearchParams(tags).toString();
}
