import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { checksumOf } from '../wire/checksums.js';
import { type RawSocket, rawSocket } from './testing/raw-socket.js';
import { signedHeaders } from './testing/signed-client.js';
import { credential, startTestDoor, type TestDoor } from './testing/test-door.js';

let door: TestDoor;
const sockets: RawSocket[] = [];

beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/bucket');
  await door.alice.send('PUT', '/bucket/key', { body: 'content' });
});
afterAll(() => door.stop());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

async function open(): Promise<RawSocket> {
  const socket = await rawSocket(door.port);
  sockets.push(socket);
  return socket;
}

/** Sends an unsigned request and gives the answer, however the connection goes on. */
async function ask(head: string, body = ''): Promise<string> {
  const socket = await open();
  socket.write(`${head.replaceAll('\n', '\r\n')}\r\nConnection: close\r\n\r\n${body}`);
  return socket.rest();
}

describe('what no well-behaved client sends is answered with 400', () => {
  it.each([
    ['two Host headers', 'GET /bucket/key HTTP/1.1\nHost: a\nHost: b'],
    ['no Host header', 'GET /bucket/key HTTP/1.1\nX: y'],
    ['a target in absolute form', 'GET http://localhost/bucket/key HTTP/1.1\nHost: localhost'],
    ['dot segments', 'GET /bucket/../other/key HTTP/1.1\nHost: localhost'],
    ['a dot segment at the end', 'GET /bucket/.. HTTP/1.1\nHost: localhost'],
    [
      'a line break in a response override',
      'GET /bucket/key?response-expires=a%0D%0AX:y HTTP/1.1\nHost: localhost',
    ],
    ['a broken escape', 'GET /bucket/%zz HTTP/1.1\nHost: localhost'],
    ['bytes that are no UTF-8', 'GET /bucket/%ff HTTP/1.1\nHost: localhost'],
    ['a negative length', 'PUT /bucket/key HTTP/1.1\nHost: localhost\nContent-Length: -1'],
    ['no length at all', 'PUT /bucket/key HTTP/1.1\nHost: localhost\nContent-Length:'],
    ['no HTTP', 'hello'],
  ])('%s', async (_, head) => {
    expect(await ask(head)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('in the form of S3 even when the request cannot be read', async () => {
    const answer = await ask('GET / HTTP/1.1\nHost : localhost');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/\r\nx-amz-request-id: [0-9A-F]{16}\r\n/i);
    expect(answer).toMatch(/<Error><Code>BadRequest<\/Code>.*<RequestId>[0-9A-F]{16}<\/RequestId>/);
  });
});

describe('answers', () => {
  it('carry ids, server and date; errors repeat the ids', async () => {
    const { headers, element } = await door.alice.send('GET', '/bucket/missing');
    expect(headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16}$/);
    expect(element('RequestId')).toBe(headers['x-amz-request-id']);
    expect(element('HostId')).toBe(headers['x-amz-id-2']);
    expect(element('Resource')).toBe('/bucket/missing');
    expect([element('Code'), element('Key')]).toEqual(['NoSuchKey', 'missing']);
    expect(headers.server).toBe('PlexiChat-Backup-Node');
    expect(headers.date).toBeDefined();
    expect(headers['content-type']).toBe('application/xml');
  });

  it('to HEAD have no body, errors included, and the connection goes on', async () => {
    const socket = await open();
    const head = (path: string) => socket.write(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    for (const path of ['/bucket/key', '/bucket/key', '/bucket/%ff']) head(path);
    socket.write('OPTIONS /bucket HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const answer = await socket.rest();
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]);
    expect(statuses).toEqual(['403', '403', '400', '501']);
    expect(answer.match(/<Error>/g)).toHaveLength(1);
  });

  it('refuse the anonymous and name what is not there', async () => {
    expect(await ask('GET /bucket/key HTTP/1.1\nHost: localhost')).toMatch(/^HTTP\/1\.1 403 .*AccessDenied/s);
    const policy = await door.alice.send('GET', '/bucket', { query: { policy: '' } });
    expect([policy.status, policy.element('Code')]).toEqual([501, 'NotImplemented']);
    const wrong = await door.alice.send('DELETE', '/bucket/key', { query: { retention: '' } });
    expect([wrong.status, wrong.element('Code'), wrong.headers.allow]).toEqual([
      405,
      'MethodNotAllowed',
      'GET, PUT',
    ]);
    expect((await door.alice.send('GET', '/bucket/key')).text).toBe('content');
  });
});

describe('bodies', () => {
  it('may be empty without a length', async () => {
    const headers = signedLines('PUT', '/bucket/empty');
    const socket = await open();
    socket.write(`PUT /bucket/empty HTTP/1.1\r\n${headers}\r\n`);
    expect(await socket.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);
    expect((await door.alice.send('GET', '/bucket/empty')).body).toHaveLength(0);
  });

  it.each([
    [3, /^HTTP\/1\.1 200 /],
    [LIMITS.unsized_payload_bytes_max + 1, /^HTTP\/1\.1 411 .*MissingContentLength/s],
  ])('need a length unless they are small: %i bytes', async (size, expected) => {
    const socket = await open();
    const lines = signedLines('PUT', '/bucket/unsized');
    socket.write(`PUT /bucket/unsized HTTP/1.1\r\n${lines}Transfer-Encoding: chunked\r\n\r\n`);
    socket.write(`${size.toString(16)}\r\n${'u'.repeat(size)}\r\n0\r\n\r\n`);
    expect(await socket.until(size === 3 ? /\r\n\r\n/ : /<\/Error>/)).toMatch(expected);
    expect((await door.alice.send('GET', '/bucket/unsized')).text).toBe('uuu');
  });

  it('are asked for with 100 Continue once the headers have passed', async () => {
    const headers = signedLines('PUT', '/bucket/expected');
    const socket = await open();
    socket.write(
      `PUT /bucket/expected HTTP/1.1\r\n${headers}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
    );
    expect(await socket.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('hello');
    expect(await socket.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);
    expect((await door.alice.send('GET', '/bucket/expected')).text).toBe('hello');
  });

  it.each([
    ['nobody has signed', '/bucket/refused', 'Host: localhost\r\n', 403],
    ['is for a bucket that is not there', '/nowhere/refused', undefined, 404],
  ])('are not asked for when the request %s', async (_, path, given, status) => {
    const headers = given ?? signedLines('PUT', path);
    const socket = await open();
    socket.write(`PUT ${path} HTTP/1.1\r\n${headers}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    const answer = await socket.rest();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/\r\nConnection: close\r\n/i);
  });

  it('are taken whatever else is expected', async () => {
    const headers = signedLines('PUT', '/bucket/odd');
    const socket = await open();
    socket.write(`PUT /bucket/odd HTTP/1.1\r\n${headers}Expect: 200\r\nContent-Length: 1\r\n\r\na`);
    expect(await socket.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('that nobody reads do not harm the connection', async () => {
    const socket = await open();
    const body = 'x'.repeat(300_000);
    socket.write(`PUT /bucket/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`);
    expect(await socket.until(/<\/Error>/)).toMatch(/^HTTP\/1\.1 403 /);
    socket.write(body);
    socket.write('GET /bucket/k HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await socket.until(/<\/Error>/)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('that nobody reads are not taken in without end', async () => {
    const client = connect(door.port, '127.0.0.1');
    let sent_bytes = 0;
    let answer = '';
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client
      .on('error', () => {})
      .on('data', (text) => {
        answer += text;
      });
    client.write(`PUT /bucket/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${1024 ** 3}\r\n\r\n`);
    const piece = Buffer.alloc(1024 ** 2);
    const send = () => {
      while (sent_bytes < 1024 ** 3 && !client.destroyed) {
        sent_bytes += piece.length;
        if (!client.write(piece)) return;
      }
    };
    client.on('drain', send);
    send();
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(sent_bytes).toBeLessThan(128 * 1024 ** 2);
  });

  it('that break off leave nothing behind', async () => {
    const headers = signedLines('PUT', '/bucket/broken');
    const socket = await open();
    socket.write(
      `PUT /bucket/broken HTTP/1.1\r\n${headers}Content-Length: 500000\r\n\r\n${'x'.repeat(300_000)}`,
    );
    socket.close();
    expect((await door.alice.send('GET', '/bucket/broken')).status).toBe(404);
  });

  it('must have the digest that was signed', async () => {
    const put = await door.alice.send('PUT', '/bucket/digest', {
      body: 'hello',
      headers: { 'x-amz-content-sha256': 'a'.repeat(64) },
    });
    expect([put.status, put.element('Code')]).toEqual([400, 'XAmzContentSHA256Mismatch']);
    const odd = await door.alice.send('PUT', '/bucket/digest', {
      body: 'hello',
      headers: { 'x-amz-content-sha256': 'nonsense' },
    });
    expect([odd.status, odd.element('Code')]).toEqual([400, 'InvalidArgument']);
    const document = await door.alice.send('PUT', '/bucket', {
      query: { versioning: '' },
      body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
      headers: { 'x-amz-content-sha256': 'a'.repeat(64) },
    });
    expect([document.status, document.element('Code')]).toEqual([400, 'XAmzContentSHA256Mismatch']);
    expect((await door.alice.send('GET', '/bucket/digest')).status).toBe(404);
  });
});

describe('aws-chunked bodies', () => {
  const TRAILER = 'x-amz-checksum-crc32c';
  const chunkedHeaders = (size: number) => ({
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-decoded-content-length': String(size),
    'x-amz-trailer': TRAILER,
    'content-encoding': 'aws-chunked,gzip',
  });
  const frame = (data: string, checksum: string) =>
    `${data.length.toString(16)}\r\n${data}\r\n0\r\n${TRAILER}:${checksum}\r\n\r\n`;
  const checksumFor = (data: string) => checksumOf('CRC32C', Buffer.from(data)).toString('base64');

  it.each([11, 200_000])('of %i bytes are unpacked and their trailer is checked', async (size) => {
    const data = 'y'.repeat(size);
    const headers = chunkedHeaders(size);
    const put = await door.alice.send('PUT', '/bucket/chunked', {
      body: frame(data, checksumFor(data)),
      headers,
    });
    expect([put.status, put.headers[TRAILER]]).toEqual([200, checksumFor(data)]);
    const got = await door.alice.send('GET', '/bucket/chunked');
    expect([got.headers['content-encoding'], got.text === data]).toEqual(['gzip', true]);
    const wrong = await door.alice.send('PUT', '/bucket/wrong', {
      body: frame(data, checksumFor('other')),
      headers,
    });
    expect([wrong.status, wrong.element('Code')]).toEqual([400, 'BadDigest']);
    expect((await door.alice.send('GET', '/bucket/wrong')).status).toBe(404);
  });

  it.each([
    ['a missing trailer', '5\r\nhello\r\n0\r\n\r\n', 'MalformedTrailerError'],
    ['a broken frame', 'zz\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['too little data', '4\r\nhell\r\n0\r\n\r\n', 'IncompleteBody'],
    ['too much data', '6\r\nhello!\r\n0\r\n\r\n', 'IncompleteBody'],
    ['no end', '5\r\nhello\r\n', 'IncompleteBody'],
  ])('with %s are refused', async (_, body, code) => {
    const put = await door.alice.send('PUT', '/bucket/framed', { body, headers: chunkedHeaders(5) });
    expect([put.status, put.element('Code')]).toEqual([400, code]);
    expect((await door.alice.send('GET', '/bucket/framed')).status).toBe(404);
  });

  it('must say how long they are', async () => {
    const { 'x-amz-decoded-content-length': _, ...headers } = chunkedHeaders(1);
    const put = await door.alice.send('PUT', '/bucket/framed', {
      body: frame('a', checksumFor('a')),
      headers,
    });
    expect([put.status, put.element('Code')]).toEqual([411, 'MissingContentLength']);
  });

  it('are not looked at before the signature of the headers', async () => {
    const headers = Object.entries(chunkedHeaders(5)).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = await open();
    // None of the body is sent, and the answer comes all the same.
    socket.write(
      `PUT /bucket/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n${headers.join('')}\r\n`,
    );
    expect(await socket.until(/<\/Error>/)).toMatch(/^HTTP\/1\.1 403 .*AccessDenied/s);
  });
});

/** Header lines of a request of alice's whose payload is not signed. */
function signedLines(method: string, path: string): string {
  const headers = signedHeaders({
    method,
    path,
    query: '',
    body: Buffer.alloc(0),
    headers: { host: `127.0.0.1:${door.port}`, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    by: credential('Alice', false),
    region: 'us-east-1',
  });
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
