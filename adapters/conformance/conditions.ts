import { describe, expect, test } from 'vitest';
import type { ObjectInfo, ReadCondition, WriteCondition } from '../contract/index.js';
import { failure, settle } from './support/expect.js';
import { getText, type Harness, put, testWith } from './support/harness.js';

const HOUR_MS = 3_600_000;
const WRITERS = 20;

export function conditionTests(harness: Harness): void {
  describe('conditions', () => {
    reads(harness);
    writes(harness);
    races(harness);
    deletes(harness);
  });
}

type Verdict = 'ok' | 'not_modified' | 'precondition_failed';

/** RFC 9110, section 13.2.2: the order in which conditions are looked at. */
function readCases(info: ObjectInfo): [ReadCondition, Verdict][] {
  const { etag, modified_at_ms: modified } = info;
  const whole_second = Math.floor(modified / 1_000) * 1_000;
  const [past, future] = [modified - HOUR_MS, modified + HOUR_MS];
  return [
    [{}, 'ok'],
    [{ if_match: [etag] }, 'ok'],
    [{ if_match: ['other', etag] }, 'ok'],
    [{ if_match: ['*'] }, 'ok'],
    [{ if_match: ['other'] }, 'precondition_failed'],
    [{ if_none_match: ['other'] }, 'ok'],
    [{ if_none_match: [etag] }, 'not_modified'],
    [{ if_none_match: ['other', etag] }, 'not_modified'],
    [{ if_none_match: ['*'] }, 'not_modified'],
    [{ if_modified_since_ms: past }, 'ok'],
    [{ if_modified_since_ms: future }, 'not_modified'],
    // HTTP dates have whole seconds: a client sends back what Last-Modified said.
    [{ if_modified_since_ms: whole_second }, 'not_modified'],
    [{ if_unmodified_since_ms: future }, 'ok'],
    [{ if_unmodified_since_ms: whole_second }, 'ok'],
    [{ if_unmodified_since_ms: past }, 'precondition_failed'],
    [{ if_match: [etag], if_unmodified_since_ms: past }, 'ok'],
    [{ if_match: ['other'], if_unmodified_since_ms: future }, 'precondition_failed'],
    [{ if_none_match: ['other'], if_modified_since_ms: future }, 'ok'],
    [{ if_none_match: [etag], if_modified_since_ms: past }, 'not_modified'],
    [{ if_match: ['other'], if_none_match: [etag] }, 'precondition_failed'],
    [{ if_match: [etag], if_none_match: [etag] }, 'not_modified'],
  ];
}

function reads(harness: Harness): void {
  test('reads honour conditions in the order of the standard', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'content');
    const { info } = await harness.store.headObject({ bucket, key: 'key' });
    for (const [condition, verdict] of readCases(info)) {
      const address = { bucket, key: 'key', condition };
      for (const method of ['headObject', 'getObject'] as const) {
        const read = harness.store[method](address);
        if (verdict === 'ok') {
          expect((await read).info).toEqual(info);
          continue;
        }
        const error = await failure(read, verdict, 'object');
        if (verdict === 'not_modified') expect(error.detail.info).toEqual(info);
      }
    }
  });

  test('a condition on an object that is not there does not hide that', async () => {
    const bucket = await harness.bucket();
    for (const condition of [{ if_match: ['*'] }, { if_none_match: ['*'] }, { if_modified_since_ms: 0 }]) {
      await failure(harness.store.getObject({ bucket, key: 'none', condition }), 'not_found', 'object');
    }
  });

  test('copies honour conditions on their source', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'content');
    const { info } = await harness.store.headObject({ bucket, key: 'key' });
    for (const [condition, verdict] of readCases(info)) {
      const call = harness.store.copyObject({
        source: { bucket, key: 'key', condition },
        bucket,
        key: 'copy',
        replace_attributes: false,
        replace_tags: false,
      });
      if (verdict === 'ok') {
        expect((await call).info.etag).toBe(info.etag);
        await harness.store.deleteObject({ bucket, key: 'copy' });
      } else {
        await failure(call, ['precondition_failed', verdict]);
        await failure(harness.store.headObject({ bucket, key: 'copy' }), 'not_found', 'object');
      }
    }
  });
}

/** One way of writing `text` under a key. */
type Writer = (key: string, text: string, condition: WriteCondition) => Promise<ObjectInfo>;

function writers(harness: Harness, bucket: string): [string, Writer][] {
  const { store } = harness;
  const ways: [string, Writer][] = [
    ['put', (key, text, condition) => put(harness, bucket, key, text, { condition })],
    [
      'copy',
      async (key, text, condition) => {
        await put(harness, bucket, `source of ${text}`, text);
        const source = { bucket, key: `source of ${text}` };
        const how = { replace_attributes: false, replace_tags: false };
        return (await store.copyObject({ source, bucket, key, condition, ...how })).info;
      },
    ],
  ];
  if (store.capabilities.multipart) {
    ways.push([
      'complete',
      async (key, text, condition) => {
        const upload = { bucket, key, upload_id: (await store.createUpload({ bucket, key })).upload_id };
        const body = Buffer.from(text);
        const part = await store.uploadPart({ ...upload, part_number: 1, body, size_bytes: body.length });
        return store.completeUpload({ ...upload, parts: [{ part_number: 1, etag: part.etag }], condition });
      },
    ]);
  }
  return ways;
}

function writes(harness: Harness): void {
  testWith(harness, 'conditional_put', 'a write that must not replace anything does not', async () => {
    const bucket = await harness.bucket();
    for (const [key, write] of writers(harness, bucket)) {
      await write(key, 'first', { if_none_match: '*' });
      await failure(write(key, 'second', { if_none_match: '*' }), 'precondition_failed', 'object');
      expect(await getText(harness, bucket, key)).toBe('first');
      await harness.store.deleteObject({ bucket, key });
      await write(key, 'third', { if_none_match: '*' });
      expect(await getText(harness, bucket, key)).toBe('third');
    }
  });

  testWith(
    harness,
    'conditional_put',
    'a write that must replace one content replaces no other',
    async () => {
      const bucket = await harness.bucket();
      for (const [key, write] of writers(harness, bucket)) {
        const { etag } = await put(harness, bucket, key, 'first');
        const second = await write(key, 'second', { if_match: etag });
        await failure(write(key, 'third', { if_match: etag }), 'precondition_failed', 'object');
        expect(await getText(harness, bucket, key)).toBe('second');
        await write(key, 'fourth', { if_match: '*' });
        await failure(write(key, 'fifth', { if_match: second.etag }), 'precondition_failed', 'object');
        expect(await getText(harness, bucket, key)).toBe('fourth');
      }
    },
  );

  testWith(harness, 'conditional_put', 'if-none-match may name one content', async () => {
    const bucket = await harness.bucket();
    for (const [key, write] of writers(harness, bucket)) {
      const { etag } = await put(harness, bucket, key, 'first');
      await failure(write(key, 'second', { if_none_match: etag }), 'precondition_failed', 'object');
      await write(key, 'third', { if_none_match: 'other' });
      expect(await getText(harness, bucket, key)).toBe('third');
    }
  });

  testWith(harness, 'conditional_put', 'what is not there matches nothing', async () => {
    const bucket = await harness.bucket();
    for (const [key, write] of writers(harness, bucket)) {
      for (const if_match of ['*', 'd41d8cd98f00b204e9800998ecf8427e']) {
        await failure(write(key, 'text', { if_match }), ['precondition_failed', 'not_found'], 'object');
      }
      await failure(harness.store.headObject({ bucket, key }), 'not_found', 'object');
    }
  });

  testWith(harness, ['conditional_put', 'versioning'], 'a delete marker is no object', async () => {
    const bucket = await harness.versionedBucket();
    for (const [key, write] of writers(harness, bucket)) {
      const { etag } = await put(harness, bucket, key, 'first');
      await harness.store.deleteObject({ bucket, key });
      for (const if_match of ['*', etag]) {
        await failure(write(key, 'text', { if_match }), [
          'precondition_failed',
          'not_found',
          'delete_marker',
        ]);
      }
      await write(key, 'second', { if_none_match: '*' });
      expect(await getText(harness, bucket, key)).toBe('second');
    }
  });
}

function races(harness: Harness): void {
  testWith(harness, 'conditional_put', 'of twenty who create an object at once, one wins', async () => {
    const bucket = await harness.bucket();
    for (const [key, write] of writers(harness, bucket)) {
      await oneWins(harness, bucket, key, (text) => write(key, text, { if_none_match: '*' }));
    }
  });

  testWith(harness, 'conditional_put', 'of twenty who replace the same content, one wins', async () => {
    const bucket = await harness.bucket();
    for (const [key, write] of writers(harness, bucket)) {
      const { etag } = await put(harness, bucket, key, 'before');
      await oneWins(harness, bucket, key, (text) => write(key, text, { if_match: etag }));
    }
  });
}

async function oneWins(
  harness: Harness,
  bucket: string,
  key: string,
  write: (text: string) => Promise<ObjectInfo>,
): Promise<void> {
  const names = Array.from({ length: WRITERS }, (_, n) => `writer ${n}`);
  const { won, lost } = await settle(
    names.map(async (name) => {
      await write(name);
      return name;
    }),
  );
  expect(won).toHaveLength(1);
  // AWS answers 409 ConditionalRequestConflict where two conditional writes meet.
  for (const error of lost) await failure(Promise.reject(error), ['precondition_failed', 'conflict']);
  expect(await getText(harness, bucket, key)).toBe(won[0]);
}

function deletes(harness: Harness): void {
  testWith(harness, 'conditional_delete', 'a delete honours etag, time and size', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const { etag, modified_at_ms } = await put(harness, bucket, 'key', 'content');
    for (const condition of [
      { if_match: 'other' },
      { if_size_bytes: 8 },
      { if_modified_at_ms: modified_at_ms - HOUR_MS },
      { if_match: etag, if_size_bytes: 8 },
    ]) {
      await failure(store.deleteObject({ bucket, key: 'key', condition }), 'precondition_failed', 'object');
      expect(await getText(harness, bucket, 'key')).toBe('content');
    }
    const whole_second = Math.floor(modified_at_ms / 1_000) * 1_000;
    for (const condition of [
      { if_match: etag },
      { if_match: '*' },
      { if_size_bytes: 7 },
      { if_modified_at_ms: whole_second },
    ]) {
      const info = await put(harness, bucket, 'again', 'content');
      const fits =
        condition.if_modified_at_ms === undefined
          ? condition
          : {
              if_modified_at_ms: Math.floor(info.modified_at_ms / 1_000) * 1_000,
            };
      await store.deleteObject({ bucket, key: 'again', condition: fits });
      await failure(store.headObject({ bucket, key: 'again' }), 'not_found', 'object');
    }
  });

  testWith(
    harness,
    'conditional_delete',
    'of twenty deletes and overwrites of one content, one wins',
    async () => {
      const bucket = await harness.bucket();
      const { etag } = await put(harness, bucket, 'key', 'before');
      const condition = { if_match: etag };
      const conditional_put = harness.store.capabilities.conditional_put;
      const { won, lost } = await settle(
        Array.from({ length: WRITERS }, async (_, n) => {
          if (conditional_put && n % 2 === 0) await put(harness, bucket, 'key', `writer ${n}`, { condition });
          else await harness.store.deleteObject({ bucket, key: 'key', condition });
          return n;
        }),
      );
      // A delete that comes after the winning delete may find nothing, which is a success without an effect.
      const puts_won = won.filter((n) => conditional_put && n % 2 === 0);
      expect(puts_won.length).toBeLessThanOrEqual(1);
      expect(won.length).toBeGreaterThanOrEqual(1);
      for (const error of lost) {
        await failure(Promise.reject(error), ['precondition_failed', 'conflict', 'not_found'], 'object');
      }
      if (puts_won.length === 1) {
        expect(won).toHaveLength(1);
        expect(await getText(harness, bucket, 'key')).toBe(`writer ${puts_won[0]}`);
      } else {
        await failure(harness.store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
      }
    },
  );
}
