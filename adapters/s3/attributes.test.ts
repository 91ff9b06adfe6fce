import { expect, it } from 'vitest';
import { toHeaders, toInfo } from './attributes.js';
import { PROVIDER_CAPABILITIES, PROVIDER_HABITS } from './providers.js';

it('metadata that is named like ours is kept, and is no attribute of the system', () => {
  const metadata = { 'backup-node-system-compression': 'x', 'backup-node-owner': 'me', plain: 'y' };
  const system = { real: 'z' };
  const headers = toHeaders({ metadata, system }, PROVIDER_HABITS.minio);
  const info = toInfo('key', headers, PROVIDER_CAPABILITIES.minio);
  expect(info).toMatchObject({ metadata, system, owner: '' });
});

it('so it is in whatever case a caller writes it', () => {
  const metadata = { 'Backup-Node-Owner': 'me', 'BACKUP-NODE-system-compression': 'x' };
  const headers = toHeaders({ metadata }, PROVIDER_HABITS.minio);
  const answered = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  expect(toInfo('key', answered, PROVIDER_CAPABILITIES.minio)).toMatchObject({
    metadata: { 'backup-node-owner': 'me', 'backup-node-system-compression': 'x' },
    system: {},
    owner: '',
  });
});
