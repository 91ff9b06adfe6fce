import { encodeUriPath } from '../../wire/uri.js';
import type { OperationContext, Reply } from '../operation.js';
import { xml } from '../xml.js';

/** What the form asked to be answered: S3 API reference, "POST Object", success_action_redirect and _status. */
export function postReply(
  context: OperationContext,
  key: string,
  fields: ReadonlyMap<string, string>,
  put: Reply,
): Reply {
  const { bucket } = context;
  const etag = String(put.headers?.etag ?? '');
  const location = `${context.base_url.replace(/\/$/, '')}/${encodeUriPath(key)}`;
  const headers = { ...put.headers, location };
  const redirect = redirectTo(fields.get('success_action_redirect') ?? fields.get('redirect'));
  if (redirect !== undefined) {
    for (const [name, value] of Object.entries({ bucket, key, etag })) redirect.searchParams.set(name, value);
    return { status: 303, headers: { ...put.headers, location: redirect.href } };
  }
  switch (fields.get('success_action_status')) {
    case '200':
      return { status: 200, headers };
    case '201': {
      const content = { Location: location, Bucket: bucket, Key: key, ETag: etag };
      return { status: 201, headers, body: xml('PostResponse', content) };
    }
    default:
      return { status: 204, headers };
  }
}

/** A URL that cannot be understood is passed over, as S3 does; only web addresses are followed. */
function redirectTo(text: string | undefined): URL | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}
