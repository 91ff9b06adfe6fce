import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { endlessStream } from '../conformance/support/bytes.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { bodyOf, type Handler, overUpstream } from './testing/bad-upstream.js';

const OBJECT = { bucket: 'bucket', key: 'key' };
const XML = { 'content-type': 'application/xml' };

/** What the SDK carries is as bounded in time and size as all else. */
describe('answers to rare calls', () => {
  it('a document that stops is unavailable within its time', async () => {
    const stopping: Handler = (_request, response) => {
      response.writeHead(200, XML);
      response.write('<Tagging>');
    };
    await overUpstream(
      stopping,
      async (adapter) => {
        await failure(adapter.getTags(OBJECT), 'unavailable');
      },
      { body_timeout_ms: 200 },
    );
  });

  it('a document without an end is not read for ever', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(1024 ** 2, ' ');
    const endless: Handler = (_request, response) => {
      response.writeHead(200, XML);
      const more = () => {
        while (!response.destroyed && sent < 2 * LIMITS.upstream_xml_bytes_max) {
          sent += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on('drain', more);
      more();
    };
    await overUpstream(endless, async (adapter) => {
      await failure(adapter.getTags(OBJECT), 'unexpected');
      expect(sent).toBeLessThan(2 * LIMITS.upstream_xml_bytes_max);
    });
  });

  it('an error inside a completion of status 200 is an error', async () => {
    const completing: Handler = async (request, response) => {
      await bodyOf(request);
      if (request.method === 'GET' && request.url?.includes('uploadId')) {
        response.writeHead(200, XML);
        const part = '<Part><PartNumber>1</PartNumber><ETag>"e"</ETag><Size>7</Size></Part>';
        return void response.end(
          `<ListPartsResult><IsTruncated>false</IsTruncated>${part}</ListPartsResult>`,
        );
      }
      if (request.method !== 'POST') return void response.writeHead(404).end();
      response.writeHead(200, XML);
      response.end(' \n<Error><Code>InternalError</Code><Message>We encountered one</Message></Error>');
    };
    await overUpstream(completing, async (adapter) => {
      const parts = [{ part_number: 1, etag: 'e' }];
      await failure(adapter.completeUpload({ ...OBJECT, upload_id: 'upload', parts }), 'unavailable');
    });
  });

  it('listings that never come to an end are an error', async () => {
    const upload = '<Upload><Key>key</Key><UploadId>id</UploadId></Upload>';
    const uploads = `<NextKeyMarker>key</NextKeyMarker><NextUploadIdMarker>id</NextUploadIdMarker>${upload}`;
    const repeating: Handler = (request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(200).end();
      response.writeHead(200, XML);
      const { search } = new URL(request.url ?? '', 'http://host');
      if (search.includes('uploads')) {
        const document = `<IsTruncated>true</IsTruncated>${uploads}`;
        return void response.end(`<ListMultipartUploadsResult>${document}</ListMultipartUploadsResult>`);
      }
      if (search.includes('list-type')) return void response.end('<ListBucketResult/>');
      if (request.url?.startsWith('/?') !== true) return void response.end('{}');
      const document = '<Buckets/><ContinuationToken>again</ContinuationToken>';
      response.end(`<ListAllMyBucketsResult>${document}</ListAllMyBucketsResult>`);
    };
    await overUpstream(
      repeating,
      async (adapter) => {
        await failure(adapter.listBuckets({ limit: 10 }), 'unexpected');
        await failure(adapter.listUploads({ bucket: 'bucket', limit: 10 }), 'unexpected');
      },
      { provider: 'generic' },
    );
  });

  it('an abort ends the call and its connection', async () => {
    const abort = new AbortController();
    let closed: () => void = () => undefined;
    const connection_closed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const silent: Handler = (request) => {
      request.socket.once('close', closed);
      abort.abort(new Error('enough'));
    };
    await overUpstream(silent, async (adapter) => {
      await expect(adapter.getTags({ ...OBJECT, signal: abort.signal })).rejects.toThrow('enough');
      await connection_closed;
    });
  });
});

describe('uploads that are refused before they have arrived', () => {
  it('are what the upstream says of them, and let go of the body', async () => {
    const { body, isReleased } = endlessStream();
    const refusing: Handler = (_request, response) => {
      response.writeHead(403, { ...XML, connection: 'close' });
      response.end('<Error><Code>AccessDenied</Code><Message>No</Message></Error>');
    };
    await overUpstream(refusing, async (adapter) => {
      // The end of the connection may overtake the answer.
      await failure(adapter.putObject({ ...OBJECT, body, size_bytes: 1024 ** 3 }), [
        'access_denied',
        'unavailable',
      ]);
      await expect.poll(isReleased).toBe(true);
    });
  });
});

describe('the bucket for records', () => {
  it('is made in the region of the upstream', async () => {
    let made = '';
    const upstream: Handler = async (request, response) => {
      const body = (await bodyOf(request)).toString();
      const of_records = request.url?.startsWith('/backup-node-documents') === true;
      const is_bucket = /^\/[^/?]+\/?(\?|$)/.test(request.url ?? '');
      if (request.method === 'PUT' && of_records && is_bucket) made = body;
      if (of_records && made === '') {
        response.writeHead(404, XML);
        return void response.end('<Error><Code>NoSuchBucket</Code><Message>None</Message></Error>');
      }
      if (of_records && request.method === 'GET') return void response.writeHead(404).end();
      response.writeHead(200, { etag: '"e"' }).end();
    };
    await overUpstream(
      upstream,
      async (adapter) => {
        await adapter.putDocument({ bucket: 'bucket', kind: 'policy', content: '{}' });
      },
      { region: 'eu-central-1', provider: 'r2' },
    );
    expect(made).toContain('<LocationConstraint>eu-central-1</LocationConstraint>');
  });
});

describe('connections', () => {
  it('are kept for the next call, after a HEAD and between the two ways of asking too', async () => {
    const sockets = new Set<unknown>();
    const counting: Handler = (request, response) => {
      sockets.add(request.socket);
      const body = request.method === 'GET' ? '<Tagging><TagSet/></Tagging>' : '';
      response.writeHead(200, {
        ...XML,
        etag: '"e"',
        'content-length': body.length,
        'x-amz-version-id': 'v',
      });
      response.end(body);
    };
    const calls = async (adapter: Adapter) => {
      for (let round = 0; round < 3; round++) {
        await adapter.headObject(OBJECT);
        await adapter.getTags(OBJECT);
      }
    };
    await overUpstream(counting, calls, { connections_max: 1 });
    expect(sockets.size).toBe(1);
  });
});
