import { describe, expect } from 'vitest';
import { isStoreError } from '../contract/index.js';
import { failure, rejection, settle } from './support/expect.js';
import { type Harness, OWNER, testWith } from './support/harness.js';

const WRITERS = 20;

export function documentTests(harness: Harness): void {
  describe('bucket documents', () => {
    plain(harness);
    conditional(harness);
    races(harness);
  });
}

function plain(harness: Harness): void {
  testWith(harness, 'bucket_documents', 'a document comes back as it was put', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const contents = ['{"Version":"2012-10-17"}', '', 'ü \u{1f600}\n\t"', 'x'.repeat(100_000)];
    for (const content of contents) {
      const written = await store.putDocument({ bucket, kind: 'policy', content });
      expect(written.content).toBe(content);
      expect(await store.getDocument({ bucket, kind: 'policy' })).toEqual(written);
    }
  });

  testWith(harness, 'bucket_documents', 'its etag changes with its content', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const first = await store.putDocument({ bucket, kind: 'cors', content: 'one' });
    const second = await store.putDocument({ bucket, kind: 'cors', content: 'two' });
    expect(second.etag).not.toBe(first.etag);
  });

  testWith(harness, 'bucket_documents', 'kinds and buckets are apart', async () => {
    const { store } = harness;
    const [bucket, other] = [await harness.bucket(), await harness.bucket()];
    await store.putDocument({ bucket, kind: 'policy', content: 'of policy' });
    await store.putDocument({ bucket, kind: 'policy-status', content: 'of status' });
    await store.putDocument({ bucket: other, kind: 'policy', content: 'of other' });
    await store.deleteDocument({ bucket, kind: 'policy' });
    expect((await store.getDocument({ bucket, kind: 'policy-status' })).content).toBe('of status');
    expect((await store.getDocument({ bucket: other, kind: 'policy' })).content).toBe('of other');
    await failure(store.getDocument({ bucket, kind: 'policy' }), 'not_found', 'document');
  });

  testWith(harness, 'bucket_documents', 'deleting what is not there succeeds', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await failure(store.getDocument({ bucket, kind: 'lifecycle' }), 'not_found', 'document');
    await store.deleteDocument({ bucket, kind: 'lifecycle' });
    await store.putDocument({ bucket, kind: 'lifecycle', content: 'x' });
    await store.deleteDocument({ bucket, kind: 'lifecycle' });
    await store.deleteDocument({ bucket, kind: 'lifecycle' });
    await failure(store.getDocument({ bucket, kind: 'lifecycle' }), 'not_found', 'document');
  });

  testWith(harness, 'bucket_documents', 'documents are no objects, and end with their bucket', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await store.putDocument({ bucket, kind: 'policy', content: 'x' });
    expect((await store.listObjects({ bucket, limit: 9 })).entries).toEqual([]);
    await store.deleteBucket({ bucket });
    await store.createBucket({ bucket, owner: OWNER });
    await failure(store.getDocument({ bucket, kind: 'policy' }), 'not_found', 'document');
  });

  testWith(harness, 'bucket_documents', 'a bucket is made with its documents', async () => {
    const { store } = harness;
    const documents = { policy: 'of policy', tagging: 'of tagging' };
    const bucket = await harness.bucket({ bucket: harness.bucketName(), owner: OWNER, documents });
    for (const [kind, content] of Object.entries(documents))
      expect((await store.getDocument({ bucket, kind })).content).toBe(content);
    const again = store.createBucket({ bucket, owner: OWNER, documents: { policy: 'another' } });
    await failure(again, 'already_exists');
    expect((await store.getDocument({ bucket, kind: 'policy' })).content).toBe('of policy');
  });

  testWith(harness, 'bucket_documents', 'calls with an aborted signal do nothing', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const signal = AbortSignal.abort(new Error('gone'));
    await store.putDocument({ bucket, kind: 'policy', content: 'kept' });
    const document = { bucket, kind: 'policy', signal };
    for (const call of [
      () => store.getDocument(document),
      () => store.putDocument({ ...document, content: 'new' }),
      () => store.deleteDocument(document),
    ]) {
      expect(await rejection(call())).toBe(signal.reason);
    }
    expect((await store.getDocument({ bucket, kind: 'policy' })).content).toBe('kept');
  });
}

function conditional(harness: Harness): void {
  testWith(harness, 'bucket_documents', 'a condition holds or nothing is written', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const document = { bucket, kind: 'policy' };
    const write = (content: string, if_etag: string | null) =>
      store.putDocument({ ...document, content, if_etag });
    await failure(write('x', 'no such etag'), 'precondition_failed', 'document');
    await failure(store.getDocument(document), 'not_found', 'document');
    const first = await write('first', null);
    await failure(write('x', null), 'precondition_failed', 'document');
    const second = await write('second', first.etag);
    await failure(write('x', first.etag), 'precondition_failed', 'document');
    expect(await store.getDocument(document)).toEqual(second);
    await store.deleteDocument(document);
    await failure(write('x', second.etag), 'precondition_failed', 'document');
    await write('third', null);
    expect((await store.getDocument(document)).content).toBe('third');
  });
}

function races(harness: Harness): void {
  testWith(harness, 'bucket_documents', 'of twenty who create a document at once, one wins', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const { won, lost } = await settle(
      Array.from({ length: WRITERS }, (_, n) =>
        store.putDocument({ bucket, kind: 'policy', content: `writer ${n}`, if_etag: null }),
      ),
    );
    expect(won).toHaveLength(1);
    for (const error of lost) await failure(Promise.reject(error), 'precondition_failed', 'document');
    expect(await store.getDocument({ bucket, kind: 'policy' })).toEqual(won[0]);
  });

  testWith(harness, 'bucket_documents', 'a counter in a document loses no count', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const document = { bucket, kind: 'counter' };
    await store.putDocument({ ...document, content: '0' });
    const increment = async () => {
      for (;;) {
        const { content, etag } = await store.getDocument(document);
        try {
          await store.putDocument({ ...document, content: String(Number(content) + 1), if_etag: etag });
          return;
        } catch (error) {
          if (!isStoreError(error, 'precondition_failed')) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, increment));
    expect((await store.getDocument(document)).content).toBe(String(WRITERS));
  });
}
