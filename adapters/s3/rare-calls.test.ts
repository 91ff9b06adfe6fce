import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
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
