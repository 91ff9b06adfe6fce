import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { bodyOf, type Handler } from './bad-upstream.js';

/**
 * Buckets of small objects in memory, with conditional writes and uploads without parts: enough for what is done to buckets
 * and their records.
 */
export interface SmallUpstream {
  readonly handler: Handler;
  readonly buckets: Map<string, Map<string, string>>;
  /** The buckets of unfinished uploads, by their ids. As in MinIO they outlive their bucket. */
  readonly uploads: Map<string, string>;
  /** Buckets that have old versions. No others are asked for any. */
  readonly versioned: Set<string>;
  /** Unfinished uploads keep their bucket. */
  uploads_keep: boolean;
  /** Those of them that belong to another account, which opens them to all the world. */
  readonly foreign: Set<string>;
  lists_foreign: boolean;
  /**
   * Asked before each request, as `METHOD /path`. Null: the request takes its course. A status: that is the answer, and
   * nothing happens; `lost`: it happens, and there is no answer.
   */
  before: (request: string) => Promise<number | 'lost' | null> | number | 'lost' | null;
}

const etagOf = (content: string): string => createHash('md5').update(content).digest('hex');

export function createSmallUpstream(): SmallUpstream {
  const upstream: SmallUpstream = {
    buckets: new Map(),
    uploads: new Map(),
    versioned: new Set(),
    uploads_keep: false,
    foreign: new Set(),
    lists_foreign: false,
    before: () => null,
    handler: async (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
      const [, bucket = '', ...rest] = decodeURIComponent(pathname).split('/');
      const key = rest.join('/');
      const { method = '' } = request;
      const body = (await bodyOf(request)).toString();
      const outcome = await upstream.before(`${method} ${decodeURIComponent(pathname).replace(/\/$/, '')}`);
      if (typeof outcome === 'number') return void response.writeHead(outcome).end();
      const answer = outcome === 'lost' ? () => void request.socket.destroy() : answerOn(response);
      const is_foreign = upstream.foreign.has(bucket);
      if (bucket === '') {
        const own = [...upstream.buckets.keys()].filter(
          (name) => upstream.lists_foreign || !upstream.foreign.has(name),
        );
        return answer(200, listed(own));
      }
      const objects = upstream.buckets.get(bucket);
      if (key === '' && method === 'PUT') {
        if (is_foreign) return answer(409, error('BucketAlreadyExists'));
        if (objects !== undefined) return answer(409, error('BucketAlreadyOwnedByYou'));
        upstream.buckets.set(bucket, new Map());
        return answer(200);
      }
      const upload_id = searchParams.get('uploadId');
      if (upload_id !== null) {
        if (method === 'DELETE') upstream.uploads.delete(upload_id);
        return answer(upstream.uploads.has(upload_id) ? 200 : 204, '<ListPartsResult/>');
      }
      if (objects === undefined) return answer(404, error('NoSuchBucket'));
      if (searchParams.has('uploads')) return answer(200, uploading(upstream, method, bucket));
      if (searchParams.has('versions'))
        return upstream.versioned.has(bucket) ? answer(200, OLD_VERSION) : answer(501);
      if (key === '') {
        if (method === 'DELETE') {
          if (isKept(upstream, bucket)) return answer(409, error('BucketNotEmpty'));
          upstream.buckets.delete(bucket);
        }
        if (method !== 'GET') return answer(method === 'HEAD' ? 200 : 204);
        return answer(200, found(objects, searchParams));
      }
      const held = objects.get(key);
      const etag = held === undefined ? undefined : `"${etagOf(held)}"`;
      const { 'if-match': same, 'if-none-match': none } = request.headers;
      if (method === 'PUT') {
        if ((none !== undefined && held !== undefined) || (same !== undefined && same !== etag))
          return answer(412, error('PreconditionFailed'));
        objects.set(key, body);
        return answer(200, '', etagOf(body));
      }
      if (method === 'DELETE') objects.delete(key);
      if (method === 'DELETE') return answer(204);
      return held === undefined ? answer(404, error('NoSuchKey')) : answer(200, held, etagOf(held));
    },
  };
  return upstream;
}

function isKept({ buckets, uploads, uploads_keep, versioned }: SmallUpstream, bucket: string): boolean {
  const keeping = uploads_keep && [...uploads.values()].includes(bucket);
  return keeping || versioned.has(bucket) || (buckets.get(bucket)?.size ?? 0) > 0;
}

const OLD_VERSION =
  '<ListVersionsResult><Version><Key>key</Key><VersionId>old</VersionId></Version></ListVersionsResult>';

/** Begins one, or lists those of the bucket. */
function uploading({ uploads }: SmallUpstream, method: string, bucket: string): string {
  if (method === 'POST') {
    const id = randomUUID();
    uploads.set(id, bucket);
    return `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`;
  }
  const ids = [...uploads.keys()].filter((id) => uploads.get(id) === bucket);
  const listed = ids.map((id) => `<Upload><Key>key</Key><UploadId>${id}</UploadId></Upload>`);
  return `<ListMultipartUploadsResult>${listed.join('')}</ListMultipartUploadsResult>`;
}

function answerOn(response: ServerResponse) {
  return (status: number, body = '', etag = ''): void => {
    const content = response.req.method === 'HEAD' || status === 204 ? '' : body;
    response.writeHead(status, { etag: `"${etag}"`, 'content-type': 'application/xml' }).end(content);
  };
}

const error = (code: string): string => `<Error><Code>${code}</Code><Message>No</Message></Error>`;

/** When it says that its buckets were made. */
export const CREATED_AT = '2020-02-02T02:02:02.000Z';

function listed(names: readonly string[]): string {
  const created = `<CreationDate>${CREATED_AT}</CreationDate>`;
  const buckets = names.map((name) => `<Bucket><Name>${name}</Name>${created}</Bucket>`).join('');
  return `<ListAllMyBucketsResult><Buckets>${buckets}</Buckets></ListAllMyBucketsResult>`;
}

function found(objects: ReadonlyMap<string, string>, asked: URLSearchParams): string {
  const after = Buffer.from(asked.get('start-after') ?? '');
  const keys = [...objects.keys()]
    .filter((name) => name.startsWith(asked.get('prefix') ?? '') && after.compare(Buffer.from(name)) < 0)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const shown = keys.slice(0, Number(asked.get('max-keys') ?? 1_000));
  const contents = shown.map((key) => {
    const etag = etagOf(objects.get(key) ?? '');
    return `<Contents><Key>${encodeURIComponent(key)}</Key><Size>1</Size><ETag>"${etag}"</ETag></Contents>`;
  });
  const more = shown.length < keys.length;
  const body = `<EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${contents.join('')}`;
  return `<ListBucketResult>${body}</ListBucketResult>`;
}
