import type { ListEntry } from '../../contract/index.js';

/** UTF-8 byte order: JavaScript's own order of strings is that of UTF-16 units, which differs beyond U+FFFF. */
export function inByteOrder(keys: Iterable<string>): string[] {
  return [...keys].sort(compareKeys);
}

function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export interface ListingQuery {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly after?: string;
}

/** What a listing must show: keys as they are, common prefixes with a leading mark that no test key begins with. */
export const PREFIX_MARK = 'PRE ';

export function expectedListing(keys: Iterable<string>, query: ListingQuery = {}): string[] {
  const { prefix = '', delimiter = '', after } = query;
  const names: string[] = [];
  for (const key of inByteOrder(keys)) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const group = end < 0 ? null : key.slice(0, end + delimiter.length);
    // An `after` inside a group sorts behind the group's own name, so this skips the rest of that group too.
    if (after !== undefined && compareKeys(group ?? key, after) <= 0) continue;
    const name = group === null ? key : PREFIX_MARK + group;
    if (names.at(-1) !== name) names.push(name);
  }
  return names;
}

export function namesOf<T extends { readonly key: string }>(entries: readonly ListEntry<T>[]): string[] {
  return entries.map((entry) => (entry.type === 'item' ? entry.item.key : PREFIX_MARK + entry.prefix));
}

export interface Page<Entry, Position> {
  readonly entries: readonly Entry[];
  readonly next: Position | null;
}

/** Bounds a walk whose `next` never ends. */
const PAGES_MAX = 5_000;

/** All entries page by page; refuses empty pages that promise more, and pages above the limit. */
export async function walk<Entry, Position>(
  limit: number,
  readPage: (after: Position | undefined) => Promise<Page<Entry, Position>>,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  let after: Position | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await readPage(after);
    if (page.entries.length > limit) throw new Error(`a page of ${page.entries.length} for limit ${limit}`);
    entries.push(...page.entries);
    if (page.next === null) return entries;
    if (page.entries.length === 0) throw new Error('an empty page that promises more');
    after = page.next;
  }
  throw new Error('the listing does not end');
}
