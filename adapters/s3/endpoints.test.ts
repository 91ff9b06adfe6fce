import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { bytesOf, streamOf } from '../conformance/support/bytes.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { createEndpoints, type Endpoints } from './endpoints.js';
import { openS3Adapter } from './open-s3-adapter.js';
import { bodyOf, type Handler } from './testing/bad-upstream.js';

const OBJECT = { bucket: 'bucket', key: 'key' };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Below the ports that a system gives out by itself, and of a protocol that nobody serves: it refuses. */
const NOBODY = 'http://127.0.0.1:1';

/** A server that answers as the test says; null: an address at which nobody listens. */
async function address(handler: Handler | null): Promise<string> {
  if (handler === null) return NOBODY;
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => close(server));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function over(handlers: readonly (Handler | null)[], headers_timeout_ms = 60_000): Promise<Adapter> {
  const [endpoint = '', ...fallback_endpoints] = await Promise.all(handlers.map(address));
  const adapter = await openS3Adapter({
    name: 'several',
    endpoint,
    fallback_endpoints,
    region: 'us-east-1',
    provider: 'minio',
    credentials: async () => ({ accessKeyId: 'key', secretAccessKey: 'secret' }),
    headers_timeout_ms,
  });
  closers.push(() => adapter.close());
  return adapter;
}

const answering: Handler = (_request, response) => {
  response.writeHead(200, { etag: '"e"', 'content-length': 0 }).end();
};

it('goes on to the next address where nobody listens', async () => {
  const adapter = await over([null, null, answering]);
  expect((await adapter.headObject(OBJECT)).info.etag).toBe('e');
});

it('what the SDK sends goes on too, signed for where it goes', async () => {
  const adapter = await over([
    null,
    null,
    (request, response) => {
      const { host, authorization = '' } = request.headers;
      if (!/SignedHeaders=[^,]*\bhost\b/.test(authorization)) response.statusCode = 403;
      const tag = `<Tag><Key>host</Key><Value>${host}</Value></Tag>`;
      response.end(`<Tagging><TagSet>${tag}</TagSet></Tagging>`);
    },
  ]);
  const { tags } = await adapter.getTags(OBJECT);
  expect(tags.host).toMatch(/^127\.0\.0\.1:\d{2,}$/);
});

it('a stream arrives whole at the address that takes it', async () => {
  const content = bytesOf(3, 300_000);
  let received = 0;
  const adapter = await over([
    null,
    async (request, response) => {
      received += (await bodyOf(request)).length;
      response.writeHead(200, { etag: '"e"' }).end();
    },
  ]);
  // What this answers is not an object's real ETag, so the adapter doubts it; what counts here is what arrived.
  await adapter
    .putObject({ ...OBJECT, body: streamOf(content), size_bytes: content.length })
    .catch(() => undefined);
  expect(received).toBeGreaterThanOrEqual(content.length);
});

it('does not repeat what was cut off, but asks another address the next time when there is no answer', async () => {
  let silent = 0;
  let answered = 0;
  const adapter = await over(
    [
      () => {
        silent += 1;
      },
      (request, response) => {
        answered += 1;
        answering(request, response);
      },
    ],
    1_000,
  );
  await failure(adapter.headObject(OBJECT), 'unavailable');
  expect([silent, answered]).toEqual([1, 0]);
  await adapter.headObject(OBJECT);
  expect([silent, answered]).toEqual([1, 1]);
});

it('a timeout may be repeated as long as another address may be well', async () => {
  const silent: Handler = () => undefined;
  const adapter = await over([silent, silent], 200);
  expect((await failure(adapter.headObject(OBJECT), 'unavailable')).detail.timed_out).toBeUndefined();
  expect((await failure(adapter.headObject(OBJECT), 'unavailable')).detail.timed_out).toBe(true);
});

it('is unavailable when no address answers', async () => {
  const adapter = await over([null, null]);
  await failure(adapter.headObject(OBJECT), 'unavailable');
  await failure(adapter.getTags(OBJECT), 'unavailable');
});

const ONE = new URL('http://one');
const TWO = new URL('http://two');
const THREE = new URL('http://three');
const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

/** The addresses that one request goes to, when these are down. */
async function visited(endpoints: Endpoints, ...down: readonly URL[]): Promise<readonly string[]> {
  const hosts: string[] = [];
  await endpoints
    .run(async (endpoint) => {
      hosts.push(endpoint.host);
      if (down.includes(endpoint)) throw refused;
    })
    .catch(() => undefined);
  return hosts;
}

it('prefers the first that is up, and asks one that was down last until it is due', async () => {
  let now_ms = 0;
  const endpoints = createEndpoints(ONE, [TWO, THREE], () => now_ms);
  expect(await visited(endpoints)).toEqual(['one']);
  expect(await visited(endpoints, ONE)).toEqual(['one', 'two']);
  expect(await visited(endpoints, ONE)).toEqual(['two']);
  expect(await visited(endpoints, TWO, THREE)).toEqual(['two', 'three', 'one']);
  now_ms += LIMITS.upstream_endpoint_rest_ms;
  expect(await visited(endpoints)).toEqual(['one']);
});

it('lets one request try an address that is due, while the others go elsewhere', async () => {
  let now_ms = 0;
  const endpoints = createEndpoints(ONE, [TWO], () => now_ms);
  await visited(endpoints, ONE);
  now_ms += LIMITS.upstream_endpoint_rest_ms;
  let end: () => void = () => undefined;
  const slow = endpoints.run(
    (endpoint) =>
      new Promise<string>((resolve) => {
        end = () => resolve(endpoint.host);
      }),
  );
  expect(await visited(endpoints)).toEqual(['two']);
  end();
  expect(await slow).toBe('one');
  expect(await visited(endpoints)).toEqual(['one']);
});

it('an answer is an answer, but for those that say that the address is unwell', async () => {
  let now_ms = 0;
  const endpoints = createEndpoints(ONE, [TWO], () => now_ms);
  const fail = (status: number) =>
    endpoints.run(() =>
      Promise.reject(Object.assign(new Error(), { $metadata: { httpStatusCode: status } })),
    );
  await fail(404).catch(() => undefined);
  await fail(500).catch(() => undefined);
  expect(await visited(endpoints)).toEqual(['one']);
  await fail(503).catch(() => undefined);
  expect(await visited(endpoints)).toEqual(['two']);
  now_ms += LIMITS.upstream_endpoint_rest_ms;
  await fail(404).catch(() => undefined);
  expect(await visited(endpoints)).toEqual(['one']);
});

it.each(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'])(
  '%s of a connection that was there is not repeated, for the request may have arrived',
  async (code) => {
    for (const [syscall, expected] of [
      ['connect', ['one', 'two']],
      ['read', ['one']],
      ['write', ['one']],
    ] as const) {
      const endpoints = createEndpoints(ONE, [TWO]);
      const hosts: string[] = [];
      const running = endpoints.run(async ({ host }) => {
        hosts.push(host);
        throw Object.assign(new Error(code), { code, syscall });
      });
      await expect(running).rejects.toThrow(code);
      expect(hosts).toEqual(expected);
      expect((await visited(endpoints))[0]).toBe(expected.length === 1 ? 'two' : 'one');
    }
  },
);
