import { afterAll, beforeAll, expect, test } from 'vitest';
import { checked } from '../../../adapters/checked.js';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
beforeAll(async () => {
  door = await startTestDoor();
});
afterAll(() => door.stop());

test('a bucket is created, found, located and deleted', async () => {
  const { alice } = door;
  const created = await alice.send('PUT', '/life-of-a-bucket');
  expect([created.status, created.headers.location]).toEqual([200, '/life-of-a-bucket']);
  const head = await alice.send('HEAD', '/life-of-a-bucket');
  expect([head.status, head.headers['x-amz-bucket-region']]).toEqual([200, 'us-east-1']);
  const location = await alice.send('GET', '/life-of-a-bucket', { query: { location: '' } });
  expect(location.element('LocationConstraint') ?? '').toBe('');
  expect((await alice.send('DELETE', '/life-of-a-bucket')).status).toBe(204);
  const gone = await alice.send('HEAD', '/life-of-a-bucket');
  expect([gone.status, gone.body.length]).toEqual([404, 0]);
});

test('a name belongs to its first creator', async () => {
  const { alice, bob } = door;
  expect((await alice.send('PUT', '/alices-own')).status).toBe(200);
  // us-east-1 keeps the old behaviour.
  expect((await alice.send('PUT', '/alices-own')).status).toBe(200);
  const taken = await bob.send('PUT', '/alices-own');
  expect([taken.status, taken.element('Code')]).toEqual([409, 'BucketAlreadyExists']);
  const denied = await bob.send('GET', '/alices-own');
  expect([denied.status, denied.element('Code')]).toEqual([403, 'AccessDenied']);
  expect((await door.root.send('GET', '/alices-own')).status).toBe(200);
});

test.each([
  ['Upper', 'InvalidBucketName'],
  ['ab', 'InvalidBucketName'],
  ['under_score', 'InvalidBucketName'],
])('a bucket cannot be called %s', async (name, code) => {
  const reply = await door.alice.send('PUT', `/${name}`);
  expect([reply.status, reply.element('Code')]).toEqual([400, code]);
});

function configured(members: string): string {
  return `<CreateBucketConfiguration>${members}</CreateBucketConfiguration>`;
}

test('the location constraint must be the region of the node', async () => {
  const body = (region: string) =>
    `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
  const wrong = await door.alice.send('PUT', '/elsewhere', { body: body('mars-1') });
  expect([wrong.status, wrong.element('Code')]).toEqual([400, 'InvalidLocationConstraint']);
  expect((await door.alice.send('PUT', '/elsewhere', { body: body('us-east-1') })).status).toBe(200);
});

test('what is not there is refused, not ignored', async () => {
  const acl = await door.alice.send('PUT', '/public-one', { headers: { 'x-amz-acl': 'public-read' } });
  expect([acl.status, acl.element('Code')]).toEqual([501, 'NotImplemented']);
  const ownership = await door.alice.send('PUT', '/owned-one', {
    headers: { 'x-amz-object-ownership': 'Nobody' },
  });
  expect([ownership.status, ownership.element('Code')]).toEqual([400, 'InvalidArgument']);
});

test.each([
  ['ownership', { headers: { 'x-amz-object-ownership': 'ObjectWriter' } }],
  ['tags', { body: configured('<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>') }],
])('a bucket is not made without the %s it was to have', async (_name, asked) => {
  const bare = await startTestDoor((adapter) =>
    checked({ ...adapter, capabilities: { ...adapter.capabilities, bucket_documents: false } }),
  );
  try {
    for (let round = 0; round < 2; round++) {
      const refused = await bare.alice.send('PUT', '/bare-one', asked);
      expect([refused.status, refused.element('Code')]).toEqual([501, 'NotImplemented']);
      expect((await bare.alice.send('HEAD', '/bare-one')).status).toBe(404);
    }
    expect((await bare.alice.send('PUT', '/bare-one')).status).toBe(200);
  } finally {
    await bare.stop();
  }
});

test('making one’s own bucket again succeeds where it is as asked for, and not else', async () => {
  const { alice } = door;
  const owned = (value: string) => ({ headers: { 'x-amz-object-ownership': value } });
  const tagged = (value: string) => ({
    body: configured(`<Tags><Tag><Key>a</Key><Value>${value}</Value></Tag></Tags>`),
  });
  const locked = { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } };
  await alice.send('PUT', '/again-one', { ...owned('ObjectWriter'), ...tagged('b') });
  for (const same of [{}, owned('ObjectWriter'), tagged('b')])
    expect((await alice.send('PUT', '/again-one', same)).status).toBe(200);
  for (const other of [owned('BucketOwnerPreferred'), tagged('c'), locked]) {
    const refused = await alice.send('PUT', '/again-one', other);
    expect([refused.status, refused.element('Code')]).toEqual([409, 'BucketAlreadyOwnedByYou']);
  }
});

test('versioning goes from nothing to enabled to suspended', async () => {
  const { alice } = door;
  await alice.send('PUT', '/versioned-one');
  const state = async () => {
    const reply = await alice.send('GET', '/versioned-one', { query: { versioning: '' } });
    return reply.element('Status');
  };
  const set = (status: string) =>
    alice.send('PUT', '/versioned-one', {
      query: { versioning: '' },
      body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
    });
  expect(await state()).toBeUndefined();
  expect((await set('Enabled')).status).toBe(200);
  expect(await state()).toBe('Enabled');
  expect((await set('Suspended')).status).toBe(200);
  expect(await state()).toBe('Suspended');
  expect((await set('Off')).element('Code')).toBe('MalformedXML');
});

test('a bucket that holds something is not deleted', async () => {
  const { alice } = door;
  await alice.send('PUT', '/not-empty');
  await alice.send('PUT', '/not-empty/key', { body: 'x' });
  const refused = await alice.send('DELETE', '/not-empty');
  expect([refused.status, refused.element('Code')]).toEqual([409, 'BucketNotEmpty']);
});

test('buckets are listed by owner, with a prefix and in pages', async () => {
  const { bob, root } = door;
  for (const name of ['page-a', 'page-b', 'page-c', 'other']) await bob.send('PUT', `/${name}`);
  const all = await bob.send('GET', '/');
  expect(all.elements('Name')).toEqual(['other', 'page-a', 'page-b', 'page-c']);
  expect([all.element('ID'), all.element('DisplayName')]).toEqual(['id-of-bob', 'Bob']);
  const first = await bob.send('GET', '/', { query: { prefix: 'page-', 'max-buckets': '2' } });
  expect(first.elements('Name')).toEqual(['page-a', 'page-b']);
  const token = first.element('ContinuationToken') ?? '';
  const second = await bob.send('GET', '/', {
    query: { prefix: 'page-', 'max-buckets': '2', 'continuation-token': token },
  });
  expect(second.elements('Name')).toEqual(['page-c']);
  expect(second.element('ContinuationToken')).toBeUndefined();
  expect((await root.send('GET', '/')).elements('Name')).toContain('page-a');
  expect((await bob.send('GET', '/', { query: { 'max-buckets': '0' } })).element('Code')).toBe(
    'InvalidArgument',
  );
});

test('bucket tags are kept and removed', async () => {
  const { alice } = door;
  await alice.send('PUT', '/tagged');
  const tagging = { query: { tagging: '' } };
  expect((await alice.send('GET', '/tagged', tagging)).element('Code')).toBe('NoSuchTagSet');
  const body = '<Tagging><TagSet><Tag><Key>k</Key><Value>a &amp; b</Value></Tag></TagSet></Tagging>';
  const bad = await alice.send('PUT', '/tagged', { ...tagging, body });
  expect(bad.element('Code')).toBe('InvalidTag');
  expect((await alice.send('PUT', '/tagged', { ...tagging, body: body.replace('&amp;', '+') })).status).toBe(
    204,
  );
  const kept = await alice.send('GET', '/tagged', tagging);
  expect([kept.element('Key'), kept.element('Value')]).toEqual(['k', 'a + b']);
  expect((await alice.send('DELETE', '/tagged', tagging)).status).toBe(204);
  expect((await alice.send('GET', '/tagged', tagging)).status).toBe(404);
});

test('the ACL of a bucket and of an object is the private one', async () => {
  const { alice } = door;
  await alice.send('PUT', '/private-one');
  await alice.send('PUT', '/private-one/key', { body: 'x' });
  for (const path of ['/private-one', '/private-one/key']) {
    const acl = await alice.send('GET', path, { query: { acl: '' } });
    expect(acl.elements('ID')).toEqual(['id-of-alice', 'id-of-alice']);
    expect(acl.elements('Permission')).toEqual(['FULL_CONTROL']);
  }
});

test('ownership controls are kept; without them there are none', async () => {
  const { alice, root } = door;
  const controls = { query: { ownershipControls: '' } };
  await alice.send('PUT', '/owned', { headers: { 'x-amz-object-ownership': 'ObjectWriter' } });
  expect((await alice.send('GET', '/owned', controls)).element('ObjectOwnership')).toBe('ObjectWriter');
  const ownerOf = async (key: string) => {
    await root.send('PUT', `/owned/${key}`, { body: 'x' });
    return (await alice.send('GET', `/owned/${key}`, { query: { acl: '' } })).element('ID');
  };
  expect(await ownerOf('written-by-root')).toBe('id-of-root');
  expect((await alice.send('DELETE', '/owned', controls)).status).toBe(204);
  const gone = await alice.send('GET', '/owned', controls);
  expect([gone.status, gone.element('Code')]).toEqual([404, 'OwnershipControlsNotFoundError']);
  expect(await ownerOf('handed-over')).toBe('id-of-alice');
  const body = (value: string) =>
    `<OwnershipControls><Rule><ObjectOwnership>${value}</ObjectOwnership></Rule></OwnershipControls>`;
  const bad = await alice.send('PUT', '/owned', { ...controls, body: body('Nobody') });
  expect(bad.element('Code')).toBe('MalformedXML');
  const put = await alice.send('PUT', '/owned', { ...controls, body: body('BucketOwnerEnforced') });
  expect(put.status).toBe(200);
});

test('a client may insist on the owner of a bucket', async () => {
  const { alice } = door;
  await alice.send('PUT', '/expected');
  const as = (owner: string) =>
    alice.send('GET', '/expected', { headers: { 'x-amz-expected-bucket-owner': owner } });
  expect((await as('id-of-alice')).status).toBe(200);
  expect((await as('id-of-bob')).element('Code')).toBe('AccessDenied');
});
