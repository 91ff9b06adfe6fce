import type { Operation, OperationContext, Reply } from '../operation.js';
import { listPage, listParameters, optionalXml } from '../parameters/listing.js';
import { entriesXml } from '../parameters/listing-entries.js';
import { listedOwnerWriter } from '../parameters/owner.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "ListObjects" (version 1). */
export const listObjects: Operation = { name: 'ListObjects', action: 's3:ListBucket', body: 'none', run };

async function run(context: OperationContext): Promise<Reply> {
  const { query, bucket } = context;
  const parameters = listParameters(query, 'max-keys');
  const { text, delimiter } = parameters;
  const marker = query.get('marker') ?? '';
  const page = await listPage(context, parameters, marker === '' ? undefined : marker, (input) =>
    context.store.listObjects(input),
  );
  const owner = await listedOwnerWriter(context, page.entries);
  // The prefix is the request's own and stays as it is: botocore decodes it in version 2 alone.
  const body =
    `<Name>${escapeXml(bucket)}</Name><Prefix>${escapeXml(parameters.prefix)}</Prefix>` +
    `<Marker>${text(marker)}</Marker>` +
    // Only with a delimiter: without one the client goes on from the last key.
    (page.next !== null && delimiter !== undefined ? `<NextMarker>${text(page.next)}</NextMarker>` : '') +
    `<MaxKeys>${parameters.max_keys}</MaxKeys>` +
    optionalXml('Delimiter', delimiter === undefined ? undefined : text(delimiter)) +
    optionalXml('EncodingType', parameters.encoding) +
    `<IsTruncated>${page.next !== null}</IsTruncated>` +
    entriesXml(page.entries, parameters, owner);
  return { status: 200, body: xmlDocument('ListBucketResult', body) };
}
