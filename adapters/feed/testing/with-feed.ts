import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateStore } from '../../../src/state/lmdb-state.js';
import type { StateStore } from '../../../src/state/store.js';
import type { Adapter, Change } from '../../contract/index.js';
import { closeAfterCalls } from '../../decorators/closing.js';
import { openLocalAdapter } from '../../local/open-local-adapter.js';
import { type Feed, type FeedOptions, openFeed } from '../open-feed.js';

/** An upstream that others write to, and a feed of ours beside it that can be closed and opened again. */
export interface FeedBench {
  /** As others see it: what is written here the feed does not notice by itself. */
  readonly upstream: Adapter;
  readonly state: StateStore;
  feed(): Feed;
  /** The feed as after a crash: whatever it has not written is lost. */
  reopen(options?: Partial<FeedOptions>, upstream?: Adapter): Promise<Feed>;
  close(): Promise<void>;
}

/** Not one of the tests waits for a schedule. */
const NEVER_MS = 24 * 3_600_000;

export async function openFeedBench(options: Partial<FeedOptions> = {}): Promise<FeedBench> {
  const folder = mkdtempSync(join(tmpdir(), 'backup-node-feed-'));
  const local = await openLocalAdapter({ name: 'upstream', path: join(folder, 'upstream') });
  const state = openStateStore(join(folder, 'state'));
  const upstream: Adapter = { ...local, capabilities: { ...local.capabilities, change_feed: false } };
  // The upstream outlives the feeds beside it.
  const lent = (adapter: Adapter) => closeAfterCalls({ ...adapter, close: async () => undefined });
  const open = (more: Partial<FeedOptions> = {}, adapter = upstream) =>
    openFeed(lent(adapter), { store: state, reconcile_interval_ms: NEVER_MS, ...options, ...more });
  let feed = open();
  return {
    upstream,
    state,
    feed: () => feed,
    async reopen(more, adapter) {
      await feed.adapter.close();
      feed = open(more, adapter);
      return feed;
    },
    async close() {
      await feed.adapter.close();
      await local.close();
      await state.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Where `put` puts. */
export const BUCKET = 'bucket';

/** Returns the ETag. */
export async function put(store: Adapter, key: string, text = 'content'): Promise<string> {
  const body = Buffer.from(text);
  return (await store.putObject({ bucket: BUCKET, key, body, size_bytes: body.length })).etag;
}

/** An upstream that carries out each put at once, and answers when it is told to. */
export function holdAnswers(upstream: Adapter): {
  readonly upstream: Adapter;
  readonly answers: (() => void)[];
} {
  const answers: (() => void)[] = [];
  const putObject: Adapter['putObject'] = async (input) => {
    const info = await upstream.putObject(input);
    await new Promise<void>((resolve) => answers.push(resolve));
    return info;
  };
  return { upstream: { ...upstream, putObject }, answers };
}

/** All that the feed tells. */
export async function readAll({ adapter }: Feed): Promise<Change[]> {
  const changes: Change[] = [];
  for (let after: string | null = null; ; ) {
    const page = await adapter.readChanges({ after, limit: 100 });
    changes.push(...page.changes);
    if (page.changes.length === 0) return changes;
    after = page.cursor;
  }
}

/** Type and key of each. */
export function summary(changes: readonly Change[]): string[] {
  return changes.map(({ type, key }) => `${type} ${key}`.trim());
}
