import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { openStateStore } from '../state/lmdb-state.js';
import type { StateStore } from '../state/store.js';
import { type Access, openAccess } from './access.js';
import { hasSealedSecrets } from './key-book.js';
import { openMasterKey } from './master-key.js';
import { openRootCredentials } from './root-credentials.js';

const SECRET = 'alice-secret-key-0123456789';
const TOKEN = 'configured-token-0123456789-0123456789';
const ROOT = { access_key: 'ROOTKEY', secret_key: 'root-secret' };

let folder: string;
let state: StateStore | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'access-'));
});

afterEach(async () => {
  await state?.close();
  rmSync(folder, { recursive: true });
});

async function open(raw: unknown = {}, root = ROOT): Promise<Access> {
  await state?.close();
  state = undefined;
  const opened = openStateStore(join(folder, 'state'));
  state = opened;
  const { users, shard_tokens } = configSchema.parse(raw);
  const needed = hasSealedSecrets(opened);
  const master_key = openMasterKey({ storage_path: folder, from_env: undefined, needed });
  return openAccess({ state: opened, master_key, root, users, shard_tokens, now_ms: Date.now });
}

const ALICE = {
  name: 'alice',
  id: 'alice-id',
  display_name: 'Alice',
  email: 'a@example.test',
  access_key: 'ALICE1',
  secret_key: SECRET,
};

function everyStoredByte(): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n');
}

describe('identities', () => {
  it('include root, with one canonical id over restarts', async () => {
    const first = await open();
    const credential = first.credentials.findByAccessKey('ROOTKEY');
    expect(credential).toMatchObject({
      secret_key: 'root-secret',
      identity: { name: 'root', is_root: true },
    });
    expect(credential?.identity.id).toMatch(/^[0-9a-f]{64}$/);
    expect((await open()).root.id).toBe(first.root.id);
  });

  it('of the same keys have the same ids on every node', async () => {
    const { id: _, ...alice } = ALICE;
    const first = await open({ users: [alice] });
    const other_folder = folder;
    folder = mkdtempSync(join(tmpdir(), 'access-'));
    const second = await open({ users: [alice] });
    rmSync(other_folder, { recursive: true });
    expect(second.root.id).toBe(first.root.id);
    const ids = [first, second].map((access) => access.credentials.findByAccessKey('ALICE1')?.identity.id);
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(ids[0]).not.toBe(first.root.id);
    expect(ids[1]).toBe(ids[0]);
  });

  it('are made from the configuration as it is at the first start', async () => {
    const access = await open({ users: [ALICE] });
    const credential = access.credentials.findByAccessKey('ALICE1');
    expect(credential?.secret_key).toBe(SECRET);
    expect(credential?.identity).toEqual({
      id: 'alice-id',
      name: 'alice',
      display_name: 'Alice',
      email: 'a@example.test',
      is_root: false,
      policies: [],
    });
    expect(access.credentials.findById('alice-id')?.name).toBe('alice');
  });

  it('are not overwritten by the configuration later', async () => {
    const access = await open({ users: [ALICE] });
    await access.revokeKey('ALICE1');
    const again = await open({ users: [{ ...ALICE, display_name: 'Other' }, { name: 'bob' }] });
    expect(again.credentials.findByAccessKey('ALICE1')).toBeUndefined();
    expect(again.credentials.findById('alice-id')?.display_name).toBe('Alice');
    const { access_key } = await again.createKey({ user: 'bob' });
    expect(again.credentials.findByAccessKey(access_key)?.identity.name).toBe('bob');
  });

  it('never share an access key', async () => {
    await expect(open({ users: [{ ...ALICE, access_key: 'ROOTKEY' }] })).rejects.toThrow(
      'belongs to another user',
    );
    await open({ users: [ALICE] });
    await expect(open({ users: [ALICE] }, { access_key: 'ALICE1', secret_key: 'x' })).rejects.toThrow(
      'belongs to user alice',
    );
  });
});

describe('access keys', () => {
  it('work at once and after a restart, until they are revoked', async () => {
    let access = await open();
    const created = await access.createKey({ user: 'carol' });
    expect(created).toMatchObject({ user: 'carol', user_created: true });
    expect(await access.createKey({ user: 'carol' })).toMatchObject({ user_created: false });
    access = await open();
    const credential = access.credentials.findByAccessKey(created.access_key);
    expect(credential?.secret_key).toBe(created.secret_key);
    expect(credential?.identity).toMatchObject({ name: 'carol', is_root: false });
    await access.revokeKey(created.access_key);
    expect(access.credentials.findByAccessKey(created.access_key)).toBeUndefined();
    access = await open();
    expect(access.credentials.findByAccessKey(created.access_key)).toBeUndefined();
  });

  it('are listed without secrets', async () => {
    const access = await open({ users: [ALICE], shard_tokens: [{ name: 'chat', token: TOKEN }] });
    const created = await access.createShardToken({ name: 'other' });
    const list = access.listKeys();
    expect(list.map(({ name, type, origin }) => `${name} ${type} ${origin}`)).toEqual([
      'root access_key root',
      'alice access_key created',
      'chat shard_token configuration',
      'other shard_token created',
    ]);
    for (const secret of [SECRET, TOKEN, created.token, 'root-secret'])
      expect(JSON.stringify(list)).not.toContain(secret);
  });

  it('cannot be revoked where they are given from outside', async () => {
    const access = await open({ shard_tokens: [{ name: 'chat', token: TOKEN }] });
    await expect(access.revokeKey('ROOTKEY')).rejects.toMatchObject({ reason: 'not_allowed' });
    const configured = access.listKeys().find(({ name }) => name === 'chat');
    await expect(access.revokeKey(configured?.id ?? '')).rejects.toMatchObject({ reason: 'not_allowed' });
    await expect(access.revokeKey('NONE')).rejects.toMatchObject({ reason: 'not_found' });
  });
});

describe('shard tokens', () => {
  it('are known from the configuration, as they are or as a hash', async () => {
    const sha256 = createHash('sha256').update('hashed').digest('hex').toUpperCase();
    const access = await open({
      shard_tokens: [
        { name: 'chat', token: TOKEN },
        { name: 'other', sha256 },
      ],
    });
    expect(access.shard_tokens.verify(TOKEN)).toEqual({ name: 'chat' });
    expect(access.shard_tokens.verify('hashed')).toEqual({ name: 'other' });
    expect(access.shard_tokens.verify(`${TOKEN}x`)).toBeUndefined();
    expect(access.shard_tokens.verify('')).toBeUndefined();
  });

  it('that were created work over restarts, until they are revoked', async () => {
    let access = await open();
    const { id, token } = await access.createShardToken({ name: 'chat' });
    access = await open();
    expect(access.shard_tokens.verify(token)).toEqual({ name: 'chat' });
    await access.revokeKey(id);
    expect(access.shard_tokens.verify(token)).toBeUndefined();
    expect((await open()).shard_tokens.verify(token)).toBeUndefined();
  });
});

describe('at rest', () => {
  it('no secret and no token can be read', async () => {
    const access = await open({ users: [ALICE] });
    const key = await access.createKey({ user: 'alice' });
    const token = await access.createShardToken({ name: 'chat' });
    await state?.close();
    state = undefined;
    const stored = everyStoredByte();
    expect(stored).toContain(key.access_key);
    for (const secret of [SECRET, key.secret_key, token.token]) expect(stored).not.toContain(secret);
  });

  it('the master key is for its owner only, and its loss is noticed', async () => {
    await open({ users: [ALICE] });
    const file = join(folder, 'master.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const kept = readFileSync(file, 'utf8');
    writeFileSync(file, 'ab'.repeat(32));
    await expect(open()).rejects.toThrow('is not the one it was sealed with');
    rmSync(file);
    await expect(open()).rejects.toThrow('is missing');
    writeFileSync(file, kept);
    expect((await open()).credentials.findByAccessKey('ALICE1')?.secret_key).toBe(SECRET);
  });
});

describe('root credentials', () => {
  it('are generated once, for their owner only', () => {
    const first = openRootCredentials(folder, {});
    expect(first.source).toBe('generated');
    expect(statSync(first.file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(first.file, 'utf8'))).toEqual({
      access_key: first.access_key,
      secret_key: first.secret_key,
    });
    expect(openRootCredentials(folder, {})).toEqual({ ...first, source: 'file' });
  });

  it('come from the environment where it has them', () => {
    const env = { BACKUP_NODE_ROOT_ACCESS_KEY: 'minioadmin', BACKUP_NODE_ROOT_SECRET_KEY: 'minioadmin' };
    expect(openRootCredentials(folder, env)).toMatchObject({
      access_key: 'minioadmin',
      source: 'environment',
    });
    expect(readdirSync(folder)).toEqual([]);
    expect(() => openRootCredentials(folder, { BACKUP_NODE_ROOT_ACCESS_KEY: 'a' })).toThrow(
      'belong together',
    );
    expect(() => openRootCredentials(folder, { ...env, BACKUP_NODE_ROOT_SECRET_KEY: 'short' })).toThrow(
      'at least 8',
    );
  });

  it('do not show what stands in a broken file', () => {
    writeFileSync(join(folder, 'credentials.json'), '{"access_key": "a", "secret_key": hunter2}');
    expect(() => openRootCredentials(folder, {})).toThrow(/expected \{"access_key"/);
    expect(() => openRootCredentials(folder, {})).not.toThrow(/hunter2/);
  });
});
