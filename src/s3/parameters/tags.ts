import type { Tags } from '../../../adapters/contract/index.js';
import { invalidArgument, S3Error } from '../errors.js';
import { child, children, childText, escapeXml, malformed, type XmlElement } from '../xml.js';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** S3 User Guide, "Object tagging": lengths are in UTF-16 code units. */
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** x-amz-tagging: tags encoded as URL query parameters. */
export function parseTaggingHeader(header: string, tags_max: number): Tags {
  const tags: Tag[] = [];
  for (const [key, value] of new URLSearchParams(header)) tags.push({ key, value });
  if (new Set(tags.map((tag) => tag.key)).size !== tags.length) {
    throw invalidArgument(
      'x-amz-tagging',
      header,
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    );
  }
  return checkedTags(tags, tags_max);
}

/** Refuses with InvalidTag what S3 would not store. */
export function checkedTags(tags: readonly Tag[], tags_max: number): Tags {
  if (tags.length > tags_max) throw invalidTag(`Object tags cannot be greater than ${tags_max}`);
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (key === '' || key.length > KEY_LENGTH_MAX || !ALLOWED.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid');
    }
    if (value.length > VALUE_LENGTH_MAX || !ALLOWED.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid');
    }
    if (key.startsWith('aws:')) throw invalidTag('System tags cannot be added/updated by requester');
    if (seen.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key');
    seen.add(key);
  }
  // Own properties, whatever their name is: `__proto__` is a valid key.
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

function invalidTag(message: string): S3Error {
  return new S3Error('InvalidTag', { message });
}

/** The content of `<Tagging>`, in the order of the keys. */
export function tagSetXml(tags: Tags): string {
  const items = Object.keys(tags)
    .sort()
    .map((key) => `<Tag><Key>${escapeXml(key)}</Key><Value>${escapeXml(tags[key] ?? '')}</Value></Tag>`);
  return `<TagSet>${items.join('')}</TagSet>`;
}

/** The `<Tag>` members of an element (TagSet, Tags). */
export function tagsOf(element: XmlElement): Tag[] {
  return children(element, 'Tag').map((tag) => {
    const key = childText(tag, 'Key');
    const value = childText(tag, 'Value');
    if (key === undefined || value === undefined) throw malformed('a Tag needs a Key and a Value');
    return { key, value };
  });
}

/** The tags of a `<Tagging>` document. */
export function parseTagging(document: XmlElement, tags_max: number): Tags {
  const set = child(document, 'TagSet');
  if (set === undefined) throw malformed('Tagging needs a TagSet');
  return checkedTags(tagsOf(set), tags_max);
}
