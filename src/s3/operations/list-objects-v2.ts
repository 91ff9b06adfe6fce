import type { Operation, OperationContext, Reply } from '../operation.js';
import { listParameters, optionalXml } from '../parameters/listing.js';
import { entriesXml } from '../parameters/listing-entries.js';
import { listedOwnerWriter } from '../parameters/owner.js';
import { listStartAfter } from '../parameters/start-after.js';
import { decodeToken, encodeToken } from '../parameters/tokens.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "ListObjectsV2". */
export const listObjectsV2: Operation = { name: 'ListObjectsV2', action: 's3:ListBucket', body: 'none', run };

async function run(context: OperationContext): Promise<Reply> {
  const { query, bucket } = context;
  const parameters = listParameters(query, 'max-keys');
  const { text, delimiter } = parameters;
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  // The token knows where the page before ended; start-after counts for the first page only.
  const after = token ? decodeToken(token) : startAfter || undefined;
  const page = await listStartAfter(context, parameters, after);
  const withOwner = query.get('fetch-owner') === 'true';
  const owner = withOwner ? await listedOwnerWriter(context, page.entries) : () => '';
  const body =
    `<Name>${escapeXml(bucket)}</Name><Prefix>${text(parameters.prefix)}</Prefix>` +
    optionalXml('ContinuationToken', token === undefined ? undefined : escapeXml(token)) +
    optionalXml('NextContinuationToken', page.next === null ? undefined : encodeToken(page.next)) +
    optionalXml('StartAfter', startAfter === undefined ? undefined : text(startAfter)) +
    `<KeyCount>${page.entries.length}</KeyCount><MaxKeys>${parameters.max_keys}</MaxKeys>` +
    optionalXml('Delimiter', delimiter === undefined ? undefined : text(delimiter)) +
    optionalXml('EncodingType', parameters.encoding) +
    `<IsTruncated>${page.next !== null}</IsTruncated>` +
    entriesXml(page.entries, parameters, owner);
  return { status: 200, body: xmlDocument('ListBucketResult', body) };
}
