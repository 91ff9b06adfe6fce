import type { S3Error } from './errors.js';
import type { Reply } from './operation.js';
import { type XmlContent, xml } from './xml.js';

export interface ErrorOrigin {
  /** The raw path that was asked for. */
  readonly resource: string;
  readonly request_id: string;
  readonly host_id: string;
}

/** S3 API reference, "Error responses", "REST error responses". */
export function errorDocument(error: S3Error, origin: ErrorOrigin): string {
  const content: Record<string, XmlContent[string]> = { Code: error.code, Message: error.message };
  for (const name in error.fields) content[name] = error.fields[name];
  content.Resource = origin.resource;
  content.RequestId = origin.request_id;
  content.HostId = origin.host_id;
  return xml('Error', content, { namespace: false });
}

/** RFC 9110, section 15.4.5: a 304 has no body. Those of HEAD are left out when they are sent. */
export function errorReply(error: S3Error, origin: ErrorOrigin): Reply {
  const { status, headers } = error;
  return status === 304 ? { status, headers } : { status, headers, body: errorDocument(error, origin) };
}
