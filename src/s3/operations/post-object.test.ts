import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sign, signingKey } from '../../wire/sigv4.js';
import { createByteReader } from '../post/byte-reader.js';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/forms');
});
afterAll(() => door.stop());

type Fields = Readonly<Record<string, string>>;
const DAY = '20260102';
const HOUR_MS = 3_600_000;

function policyOf(conditions: readonly unknown[], expires_in_ms = HOUR_MS): string {
  const expiration = new Date(Date.now() + expires_in_ms).toISOString();
  return Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
}

/** As today's SDKs sign: the algorithm, credential and date are fields under conditions too. */
function signV4(conditions: readonly unknown[], expires_in_ms?: number): Fields {
  const signing = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `access-of-alice/${DAY}/us-east-1/s3/aws4_request`,
    'x-amz-date': `${DAY}T000000Z`,
  };
  const policy = policyOf(
    [...conditions, ...Object.entries(signing).map(([k, v]) => ({ [k]: v }))],
    expires_in_ms,
  );
  const key = signingKey('secret-of-alice', DAY, 'us-east-1', 's3');
  return { ...signing, policy, 'X-Amz-Signature': sign(key, policy) };
}

function signV2(conditions: readonly unknown[]): Fields {
  const policy = policyOf(conditions);
  const signature = createHmac('sha1', 'secret-of-alice').update(policy).digest('base64');
  return { AWSAccessKeyId: 'access-of-alice', policy, signature };
}

function post(fields: Fields, file: string | undefined, behind: Fields = {}) {
  const boundary = 'a-boundary';
  const part = ([name, value]: readonly [string, string]) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const filePart =
    file === undefined
      ? ''
      : `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="C:\\\\my files\\\\a.txt"\r\nContent-Type: text/plain\r\n\r\n${file}\r\n`;
  return door.alice.send('POST', '/forms', {
    as: null,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${Object.entries(fields).map(part).join('')}${filePart}${Object.entries(behind).map(part).join('')}--${boundary}--\r\n`,
  });
}

const BASIC = [
  { bucket: 'forms' },
  ['starts-with', '$key', 'up/'],
  ['content-length-range', 2, 200_000],
] as const;

describe.each([
  ['V4', signV4],
  ['V2', signV2],
] as const)('a form signed the %s way', (_name, signed) => {
  test('stores the file with what its fields say', async () => {
    const conditions = [
      ...BASIC,
      { 'Content-Type': 'text/x' },
      ['eq', '$x-amz-meta-who', 'ä'],
      { acl: 'private' },
    ];
    const reply = await post(
      {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is S3's placeholder, not ours
        key: 'up/${filename}',
        'Content-Type': 'text/x',
        'X-Amz-Meta-Who': 'ä',
        acl: 'private',
        'x-ignore-me': '1',
        ...signed(conditions),
      },
      'hello',
    );
    expect([reply.status, reply.text]).toEqual([204, '']);
    const got = await door.alice.send('GET', '/forms/up/a.txt');
    expect([got.text, got.headers['content-type']]).toEqual(['hello', 'text/x']);
    expect(Buffer.from(String(got.headers['x-amz-meta-who']), 'latin1').toString()).toBe('ä');
  });

  test('is refused once its policy is touched', async () => {
    const fields = { key: 'up/x', ...signed(BASIC) };
    const reply = await post({ ...fields, policy: policyOf([]) }, 'hello');
    expect([reply.status, reply.element('Code')]).toEqual([403, 'SignatureDoesNotMatch']);
  });
});

test.each<[string, Fields, string | undefined, string]>([
  ['a key outside the policy', { key: 'other/x', ...signV4(BASIC) }, 'hello', 'AccessDenied'],
  [
    'a field that the policy does not name',
    { key: 'up/x', acl: 'private', ...signV4(BASIC) },
    'hello',
    'AccessDenied',
  ],
  [
    'another bucket',
    { key: 'up/x', ...signV4([{ bucket: 'else' }, ['starts-with', '$key', '']]) },
    'hello',
    'AccessDenied',
  ],
  ['an expired policy', { key: 'up/x', ...signV4(BASIC, -1000) }, 'hello', 'AccessDenied'],
  ['no policy', { key: 'up/x' }, 'hello', 'AccessDenied'],
  ['too short a file', { key: 'up/x', ...signV4(BASIC) }, 'h', 'EntityTooSmall'],
  ['too long a file', { key: 'up/x', ...signV4(BASIC) }, 'h'.repeat(200_001), 'EntityTooLarge'],
  ['no key', signV4(BASIC), 'hello', 'InvalidArgument'],
  ['no file', { key: 'up/x', ...signV4(BASIC) }, undefined, 'InvalidArgument'],
  [
    'a policy of an unknown kind',
    { key: 'up/x', ...signV4([['like', '$key', 'a']]) },
    'hello',
    'InvalidPolicyDocument',
  ],
  [
    'an endless field',
    { key: `up/${'x'.repeat(30_000)}`, ...signV4(BASIC) },
    'hello',
    'MaxPostPreDataLengthExceeded',
  ],
])('%s is refused', async (_name, fields, file, code) => {
  const reply = await post(fields, file);
  expect(reply.element('Code')).toBe(code);
  expect((await door.alice.send('HEAD', '/forms/up/x')).status).toBe(404);
});

test('a large file is streamed; fields may follow a small one only', async () => {
  const large = 'line\r\n--a-bound'.repeat(10_000);
  expect((await post({ key: 'up/large', ...signV4(BASIC) }, large)).status).toBe(204);
  expect((await door.alice.send('GET', '/forms/up/large')).text).toBe(large);
  expect((await post({ key: 'up/small', ...signV4(BASIC) }, 'hello', { submit: 'Go' })).status).toBe(204);
  const behind = await post({ key: 'up/behind', ...signV4(BASIC) }, large, { submit: 'Go' });
  expect([behind.status, behind.element('Code')]).toEqual([400, 'MalformedPOSTRequest']);
  expect((await door.alice.send('HEAD', '/forms/up/behind')).status).toBe(404);
});

test('the answer is what the form asks for', async () => {
  const conditions = [
    ...BASIC,
    ['starts-with', '$success_action_status', ''],
    ['starts-with', '$success_action_redirect', ''],
  ];
  const ask = (more: Fields) => post({ key: 'up/a b', ...more, ...signV4(conditions) }, 'hello');
  const created = await ask({ success_action_status: '201' });
  expect([created.status, created.element('Key'), created.element('Bucket')]).toEqual([
    201,
    'up/a b',
    'forms',
  ]);
  expect(created.element('Location')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/forms\/up\/a%20b$/);
  expect((await ask({ success_action_status: '404' })).status).toBe(204);
  const redirected = await ask({ success_action_redirect: 'https://example.test/done?x=1' });
  const to = new URL(String(redirected.headers.location));
  expect([redirected.status, to.host, to.searchParams.get('key')]).toEqual([303, 'example.test', 'up/a b']);
  expect((await ask({ success_action_redirect: 'javascript:alert(1)' })).status).toBe(204);
});

test('delimiters are found wherever the chunks break', async () => {
  const text = Buffer.from('one||two|x||three|');
  for (let size = 1; size <= text.length; size += 1) {
    const chunks = (async function* () {
      for (let start = 0; start < text.length; start += size) yield text.subarray(start, start + size);
    })();
    const reader = createByteReader(chunks);
    const delimiter = Buffer.from('||');
    expect(String(await reader.readUntil(delimiter, 100))).toBe('one');
    const second: Buffer[] = [];
    for await (const chunk of reader.chunksUntil(delimiter)) second.push(Buffer.from(chunk));
    expect(Buffer.concat(second).toString()).toBe('two|x');
    expect(await reader.readUntil(delimiter, 100)).toBeUndefined();
  }
});
