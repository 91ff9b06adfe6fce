import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/locked', { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
  await door.alice.send('PUT', '/plain');
  await door.alice.send('PUT', '/plain/key', { body: 'x' });
});
afterAll(() => door.stop());

async function put(key: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await door.alice.send('PUT', `/locked/${key}`, { headers, body: key });
  expect(reply.status).toBe(200);
  return String(reply.headers['x-amz-version-id']);
}

const remove = (key: string, versionId: string, headers: Record<string, string> = {}) =>
  door.alice.send('DELETE', `/locked/${key}`, { query: { versionId }, headers });

function setRetention(key: string, mode: string, until: string, headers: Record<string, string> = {}) {
  return door.alice.send('PUT', `/locked/${key}`, {
    query: { retention: '' },
    headers,
    body: `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`,
  });
}

test('a bucket with Object Lock is versioned and stays so', async () => {
  const { alice } = door;
  const state = await alice.send('GET', '/locked', { query: { versioning: '' } });
  expect(state.element('Status')).toBe('Enabled');
  const suspend = await alice.send('PUT', '/locked', {
    query: { versioning: '' },
    body: '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>',
  });
  expect([suspend.status, suspend.element('Code')]).toEqual([409, 'InvalidBucketState']);
  const configuration = await alice.send('GET', '/locked', { query: { 'object-lock': '' } });
  expect(configuration.element('ObjectLockEnabled')).toBe('Enabled');
  const none = await alice.send('GET', '/plain', { query: { 'object-lock': '' } });
  expect([none.status, none.element('Code')]).toEqual([404, 'ObjectLockConfigurationNotFoundError']);
});

test('governance retention yields to those who may bypass it, compliance to nobody', async () => {
  const version = await put('governed');
  const until = inDays(2);
  expect((await setRetention('governed', 'GOVERNANCE', until)).status).toBe(200);
  const got = await door.alice.send('GET', '/locked/governed', { query: { retention: '' } });
  expect([got.element('Mode'), got.element('RetainUntilDate')]).toEqual(['GOVERNANCE', until]);
  expect((await remove('governed', version)).element('Code')).toBe('AccessDenied');
  expect((await setRetention('governed', 'GOVERNANCE', inDays(1))).element('Code')).toBe('AccessDenied');
  const bypass = { 'x-amz-bypass-governance-retention': 'true' };
  expect((await setRetention('governed', 'GOVERNANCE', inDays(1), bypass)).status).toBe(200);
  expect((await remove('governed', version, bypass)).status).toBe(204);

  const strict = await put('strict', {
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': until,
  });
  expect((await remove('strict', strict, bypass)).element('Code')).toBe('AccessDenied');
  const head = await door.alice.send('HEAD', '/locked/strict');
  expect(head.headers['x-amz-object-lock-mode']).toBe('COMPLIANCE');
  expect(head.headers['x-amz-object-lock-retain-until-date']).toBe(until);
});

test('a legal hold holds until it is taken off', async () => {
  const version = await put('held', { 'x-amz-object-lock-legal-hold': 'ON' });
  const hold = { query: { 'legal-hold': '' } };
  expect((await door.alice.send('GET', '/locked/held', hold)).element('Status')).toBe('ON');
  expect((await remove('held', version)).element('Code')).toBe('AccessDenied');
  const set = (status: string) =>
    door.alice.send('PUT', '/locked/held', {
      ...hold,
      body: `<LegalHold><Status>${status}</Status></LegalHold>`,
    });
  expect((await set('MAYBE')).element('Code')).toBe('MalformedXML');
  expect((await set('OFF')).status).toBe(200);
  expect((await remove('held', version)).status).toBe(204);
});

test('the default retention of the bucket applies to what brings none', async () => {
  const { alice } = door;
  await alice.send('PUT', '/defaults', { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
  const configure = (retention: string) =>
    alice.send('PUT', '/defaults', {
      query: { 'object-lock': '' },
      body: `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${retention}</DefaultRetention></Rule></ObjectLockConfiguration>`,
    });
  expect((await configure('<Mode>GOVERNANCE</Mode><Days>0</Days>')).element('Code')).toBe(
    'InvalidRetentionPeriod',
  );
  expect((await configure('<Mode>governance</Mode><Days>1</Days>')).element('Code')).toBe('MalformedXML');
  expect((await configure('<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>')).element('Code')).toBe(
    'MalformedXML',
  );
  expect((await configure('<Mode>GOVERNANCE</Mode><Days>3</Days>')).status).toBe(200);
  await alice.send('PUT', '/defaults/k', { body: 'x' });
  const { headers } = await alice.send('HEAD', '/defaults/k');
  const until = Date.parse(String(headers['x-amz-object-lock-retain-until-date']));
  expect(headers['x-amz-object-lock-mode']).toBe('GOVERNANCE');
  expect(Math.abs(until - Date.now() - 3 * DAY_MS)).toBeLessThan(60_000);
});

test('locks need a bucket with Object Lock', async () => {
  const { alice } = door;
  for (const query of [{ retention: '' }, { 'legal-hold': '' }]) {
    const reply = await alice.send('GET', '/plain/key', { query: query as Record<string, string> });
    expect([reply.status, reply.element('Code')]).toEqual([400, 'InvalidRequest']);
  }
  const reply = await alice.send('PUT', '/plain/other', {
    headers: { 'x-amz-object-lock-legal-hold': 'ON' },
    body: 'x',
  });
  expect([reply.status, reply.element('Code')]).toEqual([400, 'InvalidRequest']);
  const past = await alice.send('PUT', '/locked/past', {
    headers: {
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': inDays(-1),
    },
    body: 'x',
  });
  expect([past.status, past.element('Code')]).toEqual([400, 'InvalidArgument']);
});

test('Object Lock can be turned on for a versioned bucket later', async () => {
  const { alice } = door;
  await alice.send('PUT', '/later');
  const lock = () =>
    alice.send('PUT', '/later', {
      query: { 'object-lock': '' },
      body: '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
    });
  expect((await lock()).element('Code')).toBe('InvalidBucketState');
  await alice.send('PUT', '/later', {
    query: { versioning: '' },
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  });
  expect((await lock()).status).toBe(200);
  const held = await alice.send('PUT', '/later/k', {
    headers: { 'x-amz-object-lock-legal-hold': 'ON' },
    body: 'x',
  });
  expect(held.status).toBe(200);
});

test('tags of an object and of one of its versions', async () => {
  const { alice } = door;
  const tagging = { query: { tagging: '' } };
  const tags = (value: string) =>
    `<Tagging><TagSet><Tag><Key>k</Key><Value>${value}</Value></Tag></TagSet></Tagging>`;
  const first = await put('tagged', { 'x-amz-tagging': 'k=header' });
  expect((await alice.send('GET', '/locked/tagged', tagging)).element('Value')).toBe('header');
  expect((await alice.send('PUT', '/locked/tagged', { ...tagging, body: tags('one') })).status).toBe(200);
  await put('tagged');
  expect((await alice.send('GET', '/locked/tagged', tagging)).elements('Key')).toEqual([]);
  const old = { query: { tagging: '', versionId: first } };
  const got = await alice.send('GET', '/locked/tagged', old);
  expect([got.element('Value'), got.headers['x-amz-version-id']]).toEqual(['one', first]);
  expect((await alice.send('DELETE', '/locked/tagged', old)).status).toBe(204);
  expect((await alice.send('GET', '/locked/tagged', old)).elements('Key')).toEqual([]);
  const many = tags('x').replace('</TagSet>', `${'<Tag><Key>k</Key><Value>x</Value></Tag>'}</TagSet>`);
  expect((await alice.send('PUT', '/locked/tagged', { ...tagging, body: many })).element('Code')).toBe(
    'InvalidTag',
  );
});
