import type {
  ListEntry,
  ListUploadsInput,
  ListUploadsResult,
  UploadInfo,
  UploadPosition,
} from '../contract/index.js';
import { byBytes } from './listing.js';

type Entry = ListEntry<UploadInfo>;

/** One page of uploads that are all known: by key, then by the time at which they began. */
export function pageOfUploads(uploads: readonly UploadInfo[], input: ListUploadsInput): ListUploadsResult {
  const { prefix = '', delimiter = '', after, limit } = input;
  const entries: Entry[] = [];
  let more = false;
  const sorted = uploads.filter(({ key }) => key.startsWith(prefix)).sort(compareUploads);
  const from = after === undefined ? 0 : startBehind(sorted, after);
  for (const upload of sorted.slice(from)) {
    const group = groupOf(upload.key, prefix, delimiter);
    const last = entries.at(-1);
    if (group !== null && last?.type === 'prefix' && last.prefix === group) continue;
    if (after !== undefined && group !== null && byBytes(group, after.key) <= 0) continue;
    if (entries.length === limit) {
      more = true;
      break;
    }
    entries.push(group === null ? { type: 'item', item: upload } : { type: 'prefix', prefix: group });
  }
  const last = entries.at(-1);
  return { entries, next: more && last !== undefined ? positionOf(last) : null };
}

function groupOf(key: string, prefix: string, delimiter: string): string | null {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return end < 0 ? null : key.slice(0, end + delimiter.length);
}

function positionOf(entry: Entry): UploadPosition {
  if (entry.type === 'prefix') return { key: entry.prefix };
  return { key: entry.item.key, upload_id: entry.item.upload_id };
}

/** Without an upload id all uploads of the key are skipped; so they are when that upload has ended meanwhile. */
function startBehind(sorted: readonly UploadInfo[], after: UploadPosition): number {
  const named = sorted.findIndex(({ key, upload_id }) => key === after.key && upload_id === after.upload_id);
  if (named >= 0) return named + 1;
  const behind = sorted.findIndex(({ key }) => byBytes(key, after.key) > 0);
  return behind < 0 ? sorted.length : behind;
}

function compareUploads(a: UploadInfo, b: UploadInfo): number {
  return byBytes(a.key, b.key) || a.created_at_ms - b.created_at_ms || byBytes(a.upload_id, b.upload_id);
}
