/** Patterns of bucket names: what matches, and whether there is a name that some match and others do not. */

/** Linear in the length of the name: each piece between stars is looked for once, leftmost first. */
export function matchesPattern(pattern: string, name: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === head;
  const tail = rest.pop() ?? '';
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  const end = name.length - tail.length;
  let at = head.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** S3 User Guide, "General purpose bucket naming rules". */
export const BUCKET_NAME_LENGTH_MAX = 63;
const BUCKET_NAME_LENGTH_MIN = 3;
const EDGE = /^[a-z0-9]$/;

/** Patterns that read a name behind a text that they have read before it. */
export interface Track {
  readonly patterns: readonly string[];
  readonly before: string;
}

/** The places in a pattern that it may have come to. */
type Places = readonly number[];

/** Above this many states the question stays open: nobody writes such patterns, and a start must not take long. */
const STATES_MAX = 3_000;

/**
 * The shortest bucket name, of at most `length_max` characters, for which `accept` says yes; null when there is none,
 * undefined when that stays open. `accept` gets for each track which of its patterns match.
 */
export function findName(
  tracks: readonly Track[],
  accept: (matches: readonly (readonly boolean[])[]) => boolean,
  length_max = BUCKET_NAME_LENGTH_MAX,
): string | null | undefined {
  const flat = tracks.flatMap(({ patterns, before }) => patterns.map((pattern) => ({ pattern, before })));
  const characters = alphabet(flat.map(({ pattern, before }) => pattern + before));
  const isWanted = (places: readonly Places[]) => {
    let at = 0;
    return accept(
      tracks.map(({ patterns }) =>
        patterns.map((pattern) => places[at++]?.includes(pattern.length) === true),
      ),
    );
  };
  const seen = new Set<string>();
  let states = [{ name: '', places: flat.map(({ pattern, before }) => readAll(pattern, before)) }];
  for (let length = 1; length <= length_max; length++) {
    const next: typeof states = [];
    for (const { name, places } of states) {
      for (const character of characters) {
        const edge = EDGE.test(character);
        if (name === '' && !edge) continue;
        const moved = places.map((at, index) => step(flat[index]?.pattern ?? '', at, character));
        if (edge && length >= BUCKET_NAME_LENGTH_MIN && isWanted(moved)) return name + character;
        const key = `${Math.min(length, BUCKET_NAME_LENGTH_MIN)} ${moved.map((at) => at.join()).join(' ')}`;
        if (seen.has(key)) continue;
        if (seen.size >= STATES_MAX) return undefined;
        seen.add(key);
        next.push({ name: name + character, places: moved });
      }
    }
    states = next;
  }
  return null;
}

/** All that patterns tell apart, and one character that stands for the others. */
function alphabet(texts: readonly string[]): string[] {
  const used = new Set([...texts.join('')].filter((character) => /[a-z0-9.-]/.test(character)));
  const other = [...'abcdefghijklmnopqrstuvwxyz0123456789'].find((character) => !used.has(character));
  return other === undefined ? [...used] : [other, ...used];
}

function readAll(pattern: string, text: string): Places {
  let at = closure(pattern, [0]);
  for (const character of text) at = step(pattern, at, character);
  return at;
}

function step(pattern: string, places: Places, character: string): Places {
  const next = places.flatMap((place) => {
    const wanted = pattern[place];
    if (wanted === '*') return [place];
    return wanted === character ? [place + 1] : [];
  });
  return closure(pattern, next);
}

/** A star may stand for nothing. */
function closure(pattern: string, places: Places): Places {
  const all = new Set(places);
  for (const place of all) if (pattern[place] === '*') all.add(place + 1);
  return [...all].sort((a, b) => a - b);
}
