import type { GetObjectResult } from '../../../adapters/contract/index.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { bareEtag } from '../parameters/etag.js';
import { headerText } from '../parameters/header-text.js';
import { addExtent, objectHeaders } from '../parameters/object-headers.js';
import { partErrors, readRequest, wantsChecksum } from '../parameters/read-request.js';
import { applyOverrides } from '../parameters/response-overrides.js';
import { parseTime } from '../parameters/times.js';

/** S3 API reference, "GetObject". */
export const getObject: Operation = { name: 'GetObject', action: 's3:GetObject', body: 'none', run };

async function run(context: OperationContext): Promise<Reply> {
  const { store, headers: sent } = context;
  const request = readRequest(context);
  let result = await partErrors(request, store.getObject(request));
  const ifRange = headerText(sent, 'if-range');
  if (ifRange !== undefined && result.range !== null && !isCurrent(result, ifRange)) {
    const { range: _, ...whole } = request;
    result = await store.getObject(whole);
  }
  const headers = objectHeaders(result.info);
  const isPart = request.part_number !== undefined;
  const { status, size_bytes } = addExtent(headers, result, wantsChecksum(sent), isPart);
  applyOverrides(context, headers);
  return { status, headers, body: result.body, size_bytes };
}

/** RFC 9110, section 13.1.5: a range of another representation than the client holds is no use to it. */
function isCurrent({ info }: GetObjectResult, ifRange: string): boolean {
  if (ifRange.startsWith('W/')) return false;
  if (ifRange.startsWith('"')) return bareEtag(ifRange) === info.etag;
  const at_ms = parseTime(ifRange);
  return at_ms !== undefined && Math.floor(info.modified_at_ms / 1000) * 1000 === at_ms;
}
