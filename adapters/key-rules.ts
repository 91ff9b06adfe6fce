import type { KeyRules } from './contract/index.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_IN_XML = /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/;

/** Why a store with such rules cannot hold the key; undefined when it can. */
export function keyProblem(rules: KeyRules | undefined, key: string): string | undefined {
  if (rules === undefined) return undefined;
  if (!rules.any_characters && NOT_IN_XML.test(key)) return 'it has characters that XML cannot carry';
  if (!rules.folder_content && key.endsWith('/')) return 'it ends with a slash';
  if (!rules.leading_slash && key.startsWith('/')) return 'it begins with a slash';
  const segments = key.split('/');
  if (segments.at(-1) === '') segments.pop();
  for (const segment of segments) {
    if (Buffer.byteLength(segment) > rules.segment_bytes_max) return 'one of its segments is too long';
    if (rules.any_segments) continue;
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return 'it has a segment of dots';
  }
  return segments.length === 0 && !rules.any_segments ? 'it has an empty segment' : undefined;
}

/** False where no key that such a store can hold begins with the prefix. */
export function mayBegin(rules: KeyRules | undefined, prefix: string | undefined): boolean {
  if (rules === undefined || prefix === undefined) return true;
  const folder = prefix.slice(0, prefix.lastIndexOf('/'));
  return !prefix.includes('/') || keyProblem(rules, folder) === undefined;
}

/** The longest beginning of a position in a listing that such a store takes for one. */
export function takenMarker(rules: KeyRules | undefined, after: string | undefined): string | undefined {
  if (rules === undefined || rules.any_segments || after === undefined) return after;
  const dots = /(^|\/)\.\.?(\/|$)/.exec(after);
  return dots === null ? after : after.slice(0, dots.index + (dots[1] ?? '').length);
}
