import type { Operation, OperationContext, Reply } from '../operation.js';
import { addExtent, objectHeaders } from '../parameters/object-headers.js';
import { partErrors, readRequest, wantsChecksum } from '../parameters/read-request.js';
import { applyOverrides } from '../parameters/response-overrides.js';

/** S3 API reference, "HeadObject": the headers of GetObject. */
export const headObject: Operation = { name: 'HeadObject', action: 's3:GetObject', body: 'none', run };

async function run(context: OperationContext): Promise<Reply> {
  const request = readRequest(context);
  const result = await partErrors(request, context.store.headObject(request));
  const headers = objectHeaders(result.info);
  const isPart = request.part_number !== undefined;
  const { status, size_bytes } = addExtent(headers, result, wantsChecksum(context.headers), isPart);
  applyOverrides(context, headers);
  return { status, headers, size_bytes };
}
