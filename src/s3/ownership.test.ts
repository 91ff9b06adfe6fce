import { expect, it } from 'vitest';
import { checked } from '../../adapters/checked.js';
import type { Adapter } from '../../adapters/contract/index.js';
import { forwarding } from '../../adapters/forwarding.js';
import { startTestDoor } from './testing/test-door.js';

/** As an upstream that has no conditional writes is: nothing is kept of a bucket but its objects. */
function withoutDocuments(adapter: Adapter): Adapter {
  const capabilities = { ...adapter.capabilities, bucket_documents: false };
  return checked({ ...forwarding(adapter), capabilities });
}

it('where no documents are kept, what root puts into the bucket of another belongs to its owner', async () => {
  const door = await startTestDoor(withoutDocuments);
  await door.alice.send('PUT', '/bucket');
  const answer = await door.root.send('PUT', '/bucket/key', { body: 'content' });
  expect(answer.status).toBe(200);
  const { info } = await door.store.headObject({ bucket: 'bucket', key: 'key' });
  expect(info.owner).toBe('id-of-alice');
  await door.stop();
});
