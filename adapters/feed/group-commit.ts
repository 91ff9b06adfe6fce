import type { FeedStore } from './store.js';

/**
 * Everything that is asked for while a commit is under way lands in the next one, so that a sync of the disk is paid once
 * for all calls that wait. Applied in the order in which it was asked for.
 */
export function groupCommits<Item>(
  store: FeedStore,
  apply: (items: readonly Item[]) => void,
  committed: () => void,
): (item: Item) => Promise<void> {
  let waiting: { item: Item; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    // What the same turn of the event loop brings is in the first commit already.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      try {
        await store.transaction(() => apply(group.map(({ item }) => item)));
        committed();
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    running = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void run();
    });
}
