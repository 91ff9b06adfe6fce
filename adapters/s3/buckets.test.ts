/** What several nodes over one upstream, and nodes that end in the middle, do to the owners and documents of buckets. */
import { describe, expect, it } from 'vitest';
import { DOCUMENTS_BUCKET } from '../../config/reserved-names.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { overUpstream } from './testing/bad-upstream.js';
import { createSmallUpstream, type SmallUpstream } from './testing/small-upstream.js';

const BUCKET = { bucket: 'bucket' };
const POLICY = { ...BUCKET, kind: 'policy' };
const RECORD = 'buckets/bucket.json';

/** Two nodes, which know nothing of each other. */
async function overOne(work: (upstream: SmallUpstream, one: Adapter, two: Adapter) => Promise<void>) {
  const upstream = createSmallUpstream();
  const options = { capabilities: { versioning: false, object_lock: false } };
  await overUpstream(
    upstream.handler,
    (one) => overUpstream(upstream.handler, (two) => work(upstream, one, two), options),
    options,
  );
}

/** At the first such request: then the node has ended, and whatever it asks for fails. */
function endAt(upstream: SmallUpstream, request: string): void {
  let ended = false;
  upstream.before = (asked) => {
    ended ||= asked === request;
    return ended ? 503 : null;
  };
}

/** Runs that once, between the request of this node and its answer. */
function meanwhile(upstream: SmallUpstream, request: string, work: () => Promise<unknown>): void {
  upstream.before = async (asked) => {
    if (asked !== request) return null;
    upstream.before = () => null;
    await work();
    return null;
  };
}

describe('a bucket that is deleted', () => {
  it('takes nothing with it of one that another node makes under its name meanwhile', async () => {
    await overOne(async (upstream, one, two) => {
      await one.createBucket({ ...BUCKET, owner: 'old' });
      await one.putDocument({ ...POLICY, content: 'old policy' });
      let deleted = false;
      upstream.before = async (asked) => {
        if (asked === 'DELETE /bucket') deleted = true;
        if (!deleted || asked === 'DELETE /bucket') return null;
        upstream.before = () => null;
        await two.createBucket({ ...BUCKET, owner: 'new' });
        await two.putDocument({ ...POLICY, content: 'new policy' });
        return null;
      };
      await one.deleteBucket(BUCKET);
      expect((await one.headBucket(BUCKET)).owner).toBe('new');
      expect((await one.getDocument(POLICY)).content).toBe('new policy');
    });
  });

  it('leaves no documents to a later one, where its node ended in between', async () => {
    await overOne(async (upstream, one, two) => {
      await one.createBucket({ ...BUCKET, owner: 'old' });
      await one.putDocument({ ...POLICY, content: 'old policy' });
      upstream.before = (asked) =>
        upstream.buckets.has('bucket') || asked === 'DELETE /bucket' ? null : 503;
      await failure(one.deleteBucket(BUCKET), 'unavailable');
      upstream.before = () => null;
      expect(upstream.buckets.has('bucket')).toBe(false);

      // Nor while it is made: another node may look at it at any time.
      const seen: string[] = [];
      upstream.before = async (asked) => {
        if (asked !== `PUT /${DOCUMENTS_BUCKET}/${RECORD}` || !upstream.buckets.has('bucket')) return null;
        upstream.before = () => null;
        seen.push((await one.headBucket(BUCKET)).owner);
        seen.push(await one.getDocument(POLICY).then(({ content }) => content, String));
        return null;
      };
      expect((await two.createBucket({ ...BUCKET, owner: 'new' })).owner).toBe('new');
      expect(seen).toEqual(['new', 'StoreError: the bucket has no policy document']);
      await failure(two.getDocument(POLICY), 'not_found', 'document');
      const left = [...(upstream.buckets.get(DOCUMENTS_BUCKET)?.keys() ?? [])];
      expect(left).toEqual([RECORD]);
    });
  });

  it('is nobody’s when others make it again', async () => {
    await overOne(async (upstream, one) => {
      await one.createBucket({ ...BUCKET, owner: 'old' });
      await one.deleteBucket(BUCKET);
      upstream.buckets.set('bucket', new Map());
      expect((await one.headBucket(BUCKET)).owner).toBe('');
    });
  });
});

describe('a bucket that is created', () => {
  it('is its creator’s where the node ended before that was confirmed, and the repeat succeeds', async () => {
    await overOne(async (upstream, one, two) => {
      upstream.before = (asked) => {
        if (asked !== 'PUT /bucket') return null;
        upstream.before = () => 503;
        return 'lost';
      };
      await failure(one.createBucket({ ...BUCKET, owner: 'me' }), 'unavailable');
      expect(upstream.buckets.has('bucket')).toBe(true);
      upstream.before = () => null;
      const error = await failure(two.createBucket({ ...BUCKET, owner: 'other' }), 'already_exists');
      expect(error.detail.owner).toBe('me');
      expect((await two.createBucket({ ...BUCKET, owner: 'me' })).owner).toBe('me');
      // Once.
      await failure(one.createBucket({ ...BUCKET, owner: 'me' }), 'already_exists');
    });
  });

  it.each([
    [1, 'PUT /bucket'],
    [1, `PUT /${DOCUMENTS_BUCKET}/documents/bucket`],
    [2, `PUT /${DOCUMENTS_BUCKET}/documents/bucket`],
    [2, `PUT /${DOCUMENTS_BUCKET}/${RECORD}`],
  ])('has all its documents or is not there, when its node ends at the %i. %s', async (count, request) => {
    await overOne(async (upstream, one, two) => {
      const input = { ...BUCKET, owner: 'me', documents: { policy: 'mine', tagging: 'tags' } };
      let left = count;
      upstream.before = (asked) => {
        if (!asked.startsWith(request) || --left > 0) return null;
        upstream.before = () => 503;
        return 503;
      };
      await failure(one.createBucket(input), 'unavailable');
      upstream.before = () => null;
      await two.createBucket(input);
      expect((await one.headBucket(BUCKET)).owner).toBe('me');
      expect((await one.getDocument(POLICY)).content).toBe('mine');
      expect((await one.getDocument({ ...BUCKET, kind: 'tagging' })).content).toBe('tags');
    });
  });

  it('leaves no documents where it is refused', async () => {
    await overOne(async (upstream, one) => {
      upstream.before = (asked) => (asked === 'PUT /bucket' ? 403 : null);
      await failure(
        one.createBucket({ ...BUCKET, owner: 'me', documents: { policy: 'mine' } }),
        'access_denied',
      );
      expect([...(upstream.buckets.get(DOCUMENTS_BUCKET)?.keys() ?? [])]).toEqual([RECORD]);
    });
  });

  it('can be made by anybody where the node ended before it asked for it', async () => {
    await overOne(async (upstream, one, two) => {
      endAt(upstream, 'PUT /bucket');
      await failure(one.createBucket({ ...BUCKET, owner: 'me' }), 'unavailable');
      upstream.before = () => null;
      expect((await two.createBucket({ ...BUCKET, owner: 'other' })).owner).toBe('other');
    });
  });

  it.each(['PUT /bucket', `PUT /${DOCUMENTS_BUCKET}/${RECORD}`, 'HEAD /bucket'])(
    'has one creator when another one comes at %s',
    async (request) => {
      await overOne(async (upstream, one, two) => {
        let second: Promise<unknown> = Promise.resolve();
        meanwhile(upstream, request, async () => {
          second = two.createBucket({ ...BUCKET, owner: 'two' });
          await second.catch(() => undefined);
        });
        const first = one.createBucket({ ...BUCKET, owner: 'one' });
        const outcomes = [await first.catch(() => null), await second.catch(() => null)];
        const won = outcomes.filter((outcome) => outcome !== null);
        expect(won).toEqual([await one.headBucket(BUCKET)]);
      });
    },
  );

  it('is made by one and becomes the other’s, who had reserved it last', async () => {
    await overOne(async (upstream, one, two) => {
      let second: Promise<unknown> | undefined;
      let come: () => void = () => undefined;
      const both = new Promise<void>((resolve) => {
        come = resolve;
      });
      upstream.before = async (asked) => {
        if (asked !== 'PUT /bucket') return null;
        if (second === undefined) {
          second = two.createBucket({ ...BUCKET, owner: 'two' });
          await both;
        } else {
          come();
          await expect.poll(() => upstream.buckets.has('bucket'), { timeout: 20_000 }).toBe(true);
        }
        return null;
      };
      const error = await failure(one.createBucket({ ...BUCKET, owner: 'one' }), 'already_exists');
      expect(error.detail.owner).toBe('two');
      expect(await second).toEqual(await one.headBucket(BUCKET));
    });
  });

  it('stays nobody’s when others made it in the same moment', async () => {
    await overOne(async (upstream, one) => {
      meanwhile(upstream, 'PUT /bucket', async () => upstream.buckets.set('bucket', new Map()));
      await failure(one.createBucket({ ...BUCKET, owner: 'me' }), 'already_exists');
      expect((await one.headBucket(BUCKET)).owner).toBe('');
    });
  });
});
