import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesOf, endlessStream, readAll, streamOf } from '../conformance/support/bytes.js';
import { checksumOf } from '../conformance/support/digests.js';
import { expectBytes, failure } from '../conformance/support/expect.js';
import { bodyOf, type Handler, overUpstream } from './testing/bad-upstream.js';

const SIZE = 300_000;
const CONTENT = bytesOf(1, SIZE);
const OBJECT = { bucket: 'bucket', key: 'key' };

function answerWith(bytes: Uint8Array, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { etag: '"e"', 'content-length': SIZE, ...headers });
    response.write(bytes);
    // Whoever promised more must not leave the connection as if it were whole.
    if (bytes.length < SIZE) setImmediate(() => response.destroy());
    else response.end();
  };
}

describe('answers', () => {
  it('a truncated body is an error of its reader', async () => {
    await overUpstream(answerWith(CONTENT.subarray(0, 200_000)), async (adapter) => {
      const { body } = await adapter.getObject(OBJECT);
      await failure(readAll(body), 'unavailable');
    });
  });

  it('the checksum of the whole is not that of a part', async () => {
    const headers = { etag: '"e-2"', 'x-amz-checksum-crc64nvme': await checksumOf('CRC64NVME', CONTENT) };
    const parts: Handler = (request, response) => {
      const of_part = request.url?.includes('partNumber') === true;
      const range = { 'content-length': 100, 'content-range': `bytes 0-99/${SIZE}` };
      response.writeHead(200, { ...headers, ...(of_part ? range : { 'content-length': SIZE }) }).end();
    };
    await overUpstream(parts, async (adapter) => {
      const head = await adapter.headObject({ ...OBJECT, part_number: 1 });
      expect(head.range).toEqual({ start: 0, end: 99 });
      expect(head.part_checksum).toBeUndefined();
    });
  });

  it('an upstream that does not know of part numbers is no source of parts', async () => {
    const whole: Handler = (_request, response) => {
      response.writeHead(200, { etag: '"e-2"', 'content-length': SIZE }).end();
    };
    await overUpstream(whole, async (adapter) => {
      await failure(adapter.getObject({ ...OBJECT, part_number: 2 }), 'unexpected');
    });
  });

  it('bytes that do not match their checksum never end', async () => {
    const bad = Uint8Array.from(CONTENT);
    bad[SIZE - 1] = (bad[SIZE - 1] ?? 0) ^ 1;
    const headers = { 'x-amz-checksum-crc64nvme': await checksumOf('CRC64NVME', CONTENT) };
    await overUpstream(answerWith(bad, headers), async (adapter) => {
      const { body } = await adapter.getObject(OBJECT);
      let received = 0;
      const reading = (async () => {
        for await (const chunk of body as AsyncIterable<Uint8Array>) received += chunk.length;
      })();
      await failure(reading, 'corrupt');
      expect(received).toBeLessThan(SIZE);
    });
  });

  it('one that does not come is unavailable within its time', async () => {
    await overUpstream(
      () => undefined,
      async (adapter) => {
        await failure(adapter.headObject(OBJECT), 'unavailable');
        await failure(adapter.getTags(OBJECT), 'unavailable');
      },
      { headers_timeout_ms: 200 },
    );
  });

  it('a copy has a time of its own', async () => {
    const slow: Handler = (request, response) => {
      if (request.headers['x-amz-copy-source'] !== undefined) return;
      if (request.url?.includes('versioning')) return void response.end('<VersioningConfiguration/>');
      const missing = request.method === 'GET' && request.url?.includes('documents') === true;
      response.writeHead(missing ? 404 : 200, { etag: '"e"', 'content-length': 0 }).end();
    };
    await overUpstream(
      slow,
      async (adapter) => {
        const how = { replace_attributes: false, replace_tags: false };
        await failure(adapter.copyObject({ ...OBJECT, source: OBJECT, ...how }), 'unavailable');
      },
      { slow_headers_timeout_ms: 200 },
    );
  });

  it('a body that stops is unavailable within its time', async () => {
    const stopping: Handler = (_request, response) => {
      response.writeHead(200, { etag: '"e"', 'content-length': SIZE });
      response.write(CONTENT.subarray(0, 1_000));
    };
    await overUpstream(
      stopping,
      async (adapter) => {
        const { body } = await adapter.getObject(OBJECT);
        await failure(readAll(body), 'unavailable');
      },
      { body_timeout_ms: 200 },
    );
  });

  it('a busy upstream says when to come again', async () => {
    const busy: Handler = (_request, response) => {
      response.writeHead(503, { 'retry-after': '7', 'content-type': 'application/xml' });
      response.end('<Error><Code>SlowDown</Code><Message>Slow down</Message></Error>');
    };
    await overUpstream(busy, async (adapter) => {
      const error = await failure(adapter.getObject(OBJECT), 'throttled');
      expect(error.detail.retry_after).toBe('7');
    });
  });

  it('nobody at the door is unavailable', async () => {
    await overUpstream(
      () => undefined,
      async (adapter) => {
        await failure(adapter.getObject(OBJECT), 'unavailable');
      },
      { endpoint: 'http://127.0.0.1:1' },
    );
  });

  it('an error inside a copy of status 200 is an error', async () => {
    const copying: Handler = (request, response) => {
      if (request.method === 'HEAD')
        return void response.writeHead(200, { etag: '"e"', 'content-length': 7 }).end();
      if (request.method === 'GET') return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(' \n<Error><Code>InternalError</Code><Message>We encountered one</Message></Error>');
    };
    await overUpstream(copying, async (adapter) => {
      const how = { replace_attributes: false, replace_tags: false };
      await failure(adapter.copyObject({ ...OBJECT, source: { bucket: 'bucket', key: 'from' }, ...how }), [
        'unavailable',
      ]);
    });
  });
});

describe('objects that are replaced meanwhile', () => {
  const how = { replace_attributes: false, replace_tags: false };
  const input = { ...OBJECT, source: { bucket: 'bucket', key: 'from' }, ...how };
  const conditional = { ...OBJECT, condition: { if_none_match: ['none'] } };

  /** An object whose ETag is another one each time it is asked for; who reads or copies it must name the last of them. */
  function changing(changes_max: number): Handler {
    let seen = 0;
    return (request, response) => {
      if (request.method === 'HEAD') {
        if (seen < changes_max) seen += 1;
        return void response.writeHead(200, { etag: `"${seen}"`, 'content-length': 7 }).end();
      }
      const { 'if-match': read, 'x-amz-copy-source-if-match': named = read } = request.headers;
      if (named === undefined) return void response.writeHead(404).end();
      if (named !== `"${changes_max}"`) return void response.writeHead(412).end();
      if (named === read)
        return void response.writeHead(200, { etag: read, 'content-length': 7 }).end('content');
      response.end('<CopyObjectResult><ETag>"2"</ETag></CopyObjectResult>');
    };
  }

  it('are looked at again', async () => {
    await overUpstream(changing(2), async (adapter) => {
      expect((await adapter.copyObject(input)).info.etag).toBe('2');
    });
    await overUpstream(changing(2), async (adapter) => {
      const { info, body } = await adapter.getObject(conditional);
      expect([info.etag, (await readAll(body)).toString()]).toEqual(['2', 'content']);
    });
  });

  it('are unavailable in the end, and fail no condition that nobody gave', async () => {
    await overUpstream(changing(1_000), async (adapter) => {
      await failure(adapter.copyObject(input), 'unavailable');
      await failure(adapter.getObject(conditional), 'unavailable');
    });
  });
});

describe('uploads', () => {
  it('a stream travels in frames with a checksum behind it, its length known', async () => {
    let body: Buffer = Buffer.alloc(0);
    const headers: Record<string, unknown> = {};
    const taking: Handler = async (request, response) => {
      // A HEAD confirms the ETag.
      if (request.method === 'PUT') {
        Object.assign(headers, request.headers);
        body = await bodyOf(request);
      }
      response.writeHead(200, { etag: '"00000000000000000000000000000000-1"' }).end();
    };
    const checksum = await checksumOf('CRC32', CONTENT);
    await overUpstream(taking, async (adapter) => {
      const input = { ...OBJECT, body: streamOf(CONTENT, [7_919]), size_bytes: SIZE };
      const info = await adapter.putObject({
        ...input,
        attributes: { headers: { content_encoding: 'gzip' } },
      });
      expect(info.checksum).toEqual({ algorithm: 'CRC32', type: 'FULL_OBJECT', value: checksum });
      expect(info.headers).toEqual({ content_encoding: 'gzip' });
    });
    expect(headers).toMatchObject({
      'content-encoding': 'gzip,aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(SIZE),
      'content-length': String(body.length),
    });
    const { content, trailer } = unframed(body);
    expectBytes(content, CONTENT);
    expect(trailer).toBe(`x-amz-checksum-crc32:${checksum}\r\n\r\n`);
  });

  it('a broken promise never reaches the upstream whole', async () => {
    const endings: string[] = [];
    const watching: Handler = (request) => {
      request.resume();
      request.once('end', () => endings.push('whole'));
      request.once('close', () => endings.push('closed'));
    };
    for (const provider of ['minio', 'generic'] as const) {
      await overUpstream(
        watching,
        async (adapter) => {
          const body = streamOf(CONTENT, [65_536]);
          const expected = { sha256: createHash('sha256').update('other').digest('hex') };
          const input = { ...OBJECT, body, size_bytes: SIZE, expect: expected };
          await failure(adapter.putObject(input), 'digest_mismatch', 'body');
          await expect.poll(() => endings).toEqual(['closed']);
        },
        { provider },
      );
      endings.length = 0;
    }
  });

  it('an ETag of other bytes is not taken for success', async () => {
    const wrong: Handler = async (request, response) => {
      await bodyOf(request);
      response.writeHead(200, { etag: `"${'0'.repeat(32)}"` }).end();
    };
    for (const provider of ['minio', 'generic'] as const) {
      await overUpstream(
        wrong,
        async (adapter) => {
          await failure(
            adapter.putObject({ ...OBJECT, body: Buffer.from('small'), size_bytes: 5 }),
            'corrupt',
          );
          if (provider !== 'generic') return;
          const input = { ...OBJECT, body: streamOf(CONTENT), size_bytes: SIZE };
          await failure(adapter.putObject(input), 'corrupt');
        },
        { provider },
      );
    }
  });

  it('an upstream that takes no more is unavailable within its time', async () => {
    const { body } = endlessStream();
    await overUpstream(
      (request) => request.pause(),
      async (adapter) => {
        await failure(adapter.putObject({ ...OBJECT, body, size_bytes: 1024 ** 3 }), 'unavailable');
      },
      { body_timeout_ms: 300 },
    );
  });

  it('a reset in the middle is unavailable, and lets go of the body', async () => {
    const { body, isReleased } = endlessStream();
    const resetting: Handler = (request) => {
      request.once('data', () => request.socket.resetAndDestroy());
    };
    await overUpstream(resetting, async (adapter) => {
      await failure(adapter.putObject({ ...OBJECT, body, size_bytes: 1024 ** 3 }), 'unavailable');
      await expect.poll(isReleased).toBe(true);
    });
  });
});

/** The frames of an aws-chunked body joined, and what stands behind the last one. */
function unframed(body: Buffer): { readonly content: Buffer; readonly trailer: string } {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const line_end = body.indexOf('\r\n', at);
    const size_bytes = Number.parseInt(body.subarray(at, line_end).toString('latin1'), 16);
    at = line_end + 2;
    if (size_bytes === 0) return { content: Buffer.concat(pieces), trailer: body.subarray(at).toString() };
    pieces.push(body.subarray(at, at + size_bytes));
    at += size_bytes + 2;
  }
}
