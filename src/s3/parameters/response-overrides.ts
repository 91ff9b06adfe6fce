import { invalidArgument, S3Error } from '../errors.js';
import type { OperationContext } from '../operation.js';
import { encodeHeader } from './header-text.js';
import type { ReplyHeaders } from './object-headers.js';

/** S3 API reference, "GetObject", "Overriding response header values through the request". */
const OVERRIDES = [
  ['response-content-type', 'content-type'],
  ['response-content-language', 'content-language'],
  ['response-expires', 'expires'],
  ['response-cache-control', 'cache-control'],
  ['response-content-disposition', 'content-disposition'],
  ['response-content-encoding', 'content-encoding'],
] as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: a header cannot carry them (RFC 9110, section 5.5)
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Replaces reply headers by `response-*` parameters, which only signed requests may use. */
export function applyOverrides({ query, identity }: OperationContext, headers: ReplyHeaders): void {
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value === undefined || value === '') continue;
    if (identity.id === '') {
      throw new S3Error('InvalidRequest', {
        message: 'Request specific response headers cannot be used for anonymous GET requests.',
      });
    }
    if (CONTROL.test(value)) throw invalidArgument(parameter, value, 'The value is not valid in a header.');
    headers[header] = encodeHeader(value);
  }
}
