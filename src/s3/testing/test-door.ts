import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Adapter } from '../../../adapters/contract/index.js';
import { openAdapter } from '../../../adapters/open.js';
import type { Credential, CredentialSource } from '../../access/identity.js';
import type { Failure } from '../pipeline.js';
import { createS3Server } from '../server.js';
import { signedClient, type TestClient } from './signed-client.js';

/** The S3 door on a free port over a local adapter in a temporary folder, with three users. */
export interface TestDoor {
  readonly port: number;
  readonly store: Adapter;
  readonly root: TestClient;
  readonly alice: TestClient;
  readonly bob: TestClient;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';

export function credential(name: string, is_root: boolean): Credential {
  const lower = name.toLowerCase();
  return {
    access_key: `access-of-${lower}`,
    secret_key: `secret-of-${lower}`,
    identity: {
      id: `id-of-${lower}`,
      name: lower,
      display_name: name,
      email: null,
      is_root,
      policies: [],
    },
  };
}

function credentialSource(credentials: readonly Credential[]): CredentialSource {
  return {
    findByAccessKey: (access_key) => credentials.find((each) => each.access_key === access_key),
    findById: (id) => credentials.find(({ identity }) => identity.id === id)?.identity,
  };
}

/** A 500 hides its reason from clients; a test that meets one should show it. */
function showUnexpected({ operation, error }: Failure): void {
  if (error.code === 'InternalError') console.error(operation, error.cause ?? error);
}

/** `around` may stand between the door and the adapter. */
export async function startTestDoor(
  around: (adapter: Adapter) => Adapter = (same) => same,
): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'backup-node-s3-'));
  const store = around(await openAdapter({ type: 'local', name: 'test', path: folder }));
  const users = {
    root: credential('Root', true),
    alice: credential('Alice', false),
    bob: credential('Bob', false),
  };
  const server = createS3Server({
    store,
    credentials: credentialSource(Object.values(users)),
    region: REGION,
    domains: [],
    onFailure: showUnexpected,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = (user: Credential) => signedClient(port, REGION, user);
  return {
    port,
    store,
    root: client(users.root),
    alice: client(users.alice),
    bob: client(users.bob),
    async stop() {
      server.close();
      server.closeAllConnections();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
