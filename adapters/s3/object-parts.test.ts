import type { OutgoingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { failure, rejection } from '../conformance/support/expect.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';

const OBJECT = { bucket: 'bucket', key: 'key' };
const SIZE = 300;

interface Answers {
  /** Of a HEAD with partNumber. */
  readonly part?: OutgoingHttpHeaders;
  /** Of one with any further number, and of GetObjectAttributes. */
  readonly attributes?: number;
  /** When that is asked for. */
  readonly onAttributes?: () => void;
}

/** An object of two parts; the second one is not there where no answer is given for it. */
function twoParts({ part, attributes = 403, onAttributes }: Answers): Handler {
  return (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://host');
    if (searchParams.has('attributes')) {
      onAttributes?.();
      return void response.writeHead(attributes).end();
    }
    if (!searchParams.has('partNumber'))
      return void response.writeHead(200, { etag: '"e-2"', 'content-length': SIZE }).end();
    if (part === undefined) return void response.writeHead(416).end();
    response.writeHead(200, { etag: '"e-2"', ...part });
    response.end();
  };
}

describe('a part that is not there', () => {
  it.each([403, 500, 503])('is that, though whether it is empty cannot be looked up (%s)', async (status) => {
    await overUpstream(twoParts({ attributes: status }), async (adapter) => {
      const error = await failure(
        adapter.headObject({ ...OBJECT, part_number: 3 }),
        'range_not_satisfiable',
        'part',
      );
      expect(error.detail.size_bytes).toBe(SIZE);
    });
  });

  it('is nothing to a caller who has gone', async () => {
    const abort = new AbortController();
    const reason = new Error('gone');
    const answers = { attributes: 503, onAttributes: () => abort.abort(reason) };
    await overUpstream(twoParts(answers), async (adapter) => {
      const head = adapter.headObject({ ...OBJECT, part_number: 3, signal: abort.signal });
      expect(await rejection(head)).toBe(reason);
    });
  });
});

describe('where a part lies', () => {
  it.each([{ 'transfer-encoding': 'chunked' }, { 'content-length': 0 }])(
    'is what Content-Range says, whatever the length (%j)',
    async (length) => {
      const part = { 'content-range': `bytes 100-299/${SIZE}`, ...length };
      await overUpstream(twoParts({ part }), async (adapter) => {
        expect((await adapter.headObject({ ...OBJECT, part_number: 2 })).range).toEqual({
          start: 100,
          end: 299,
        });
        const { parts } = await adapter.listObjectParts({ ...OBJECT, after: 1, limit: 1 });
        expect(parts).toEqual([{ part_number: 2, size_bytes: 200, checksum: null }]);
      });
    },
  );

  it('is nowhere where Content-Range ends before it begins', async () => {
    const part = { 'content-range': `bytes 300-299/${SIZE}`, 'content-length': 0 };
    await overUpstream(twoParts({ part }), async (adapter) => {
      expect((await adapter.headObject({ ...OBJECT, part_number: 2 })).range).toBe('empty');
      const { parts } = await adapter.listObjectParts({ ...OBJECT, after: 1, limit: 1 });
      expect(parts).toEqual([{ part_number: 2, size_bytes: 0, checksum: null }]);
    });
  });

  it('is nowhere in an answer of length 0, and unknown in one that says nothing', async () => {
    await overUpstream(twoParts({ part: { 'content-length': 0 } }), async (adapter) => {
      expect((await adapter.headObject({ ...OBJECT, part_number: 2 })).range).toBe('empty');
    });
    await overUpstream(twoParts({ part: { 'transfer-encoding': 'chunked' } }), async (adapter) => {
      await failure(adapter.headObject({ ...OBJECT, part_number: 2 }), 'unexpected');
      await failure(adapter.listObjectParts({ ...OBJECT, limit: 10 }), 'unexpected');
    });
  });
});
