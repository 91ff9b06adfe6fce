/**
 * A seedable source of choices: mulberry32.
 * @typedef {object} Random
 * @property {() => number} next in [0, 1)
 * @property {(from: number, to: number) => number} integer both ends included
 * @property {<T>(list: readonly T[]) => T | undefined} pick undefined from an empty list
 * @property {(probability: number) => boolean} chance
 */

/** @param {number} seed @returns {Random} */
export function createRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  /** @param {number} from @param {number} to */
  const integer = (from, to) => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    integer,
    pick: (list) => list[integer(0, list.length - 1)],
    chance: (probability) => next() < probability,
  };
}

/** Mixes numbers into one seed, so that every client and round has its own sequence. @param {...number} numbers */
export function seedOf(...numbers) {
  let seed = 0x811c9dc5;
  for (const number of numbers) seed = Math.imul(seed ^ number, 0x01000193) ^ (seed >>> 13);
  return seed >>> 0;
}
