import type { S3Client } from '@aws-sdk/client-s3';

const DOT_SEGMENT = /(?<=\/)\.{1,2}(?=\/|$)/g;

/**
 * `/bucket/a/../b` as `/bucket/a/%2E%2E/b`. A server that refuses literal dot segments, because a proxy in between would
 * resolve them (RFC 3986, section 5.2.4), takes escaped ones for what they are: data. It has to sign paths as they are
 * sent; AWS signs them with unreserved characters unescaped, so there this must not be done.
 */
export function escapeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  return path.replaceAll(DOT_SEGMENT, (dots) => '%2E'.repeat(dots.length));
}

/** The same for whatever the SDK sends. */
export function escapeDotsOfSdk(sdk: S3Client): void {
  sdk.middlewareStack.add(
    (next) => (args) => {
      const { request } = args as unknown as { readonly request: { path: string } };
      request.path = escapeDotSegments(request.path);
      return next(args);
    },
    // Before it is signed.
    { step: 'build', name: 'dotSegments' },
  );
}
