import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from './load.js';
import { findName, matchesPattern } from './mount-patterns.js';

describe('patterns of mounts', () => {
  it.each([
    ['*', 'anything', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['photos-*', 'photos-', true],
    ['photos-*', 'photo', false],
    ['*-x', 'a-x', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c', false],
    ['a*bc*c', 'abc', false],
    ['', 'a', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matchesPattern(pattern, name)).toBe(expected);
  });

  it.each([
    [['photos', '*'], 1, true],
    [['*', 'photos'], 1, false],
    [['a*', '*'], 1, true],
    [['a*', 'ab*'], 1, false],
    [['*a*', '*-a-*'], 1, false],
    [['*a', '*b', 'x*'], 2, true],
    [['a*', '*a', 'a*a'], 2, false],
    [['**', 'abc'], 1, false],
    [['.*'], 0, false],
    [['ab'], 0, false],
    [['a*'], 0, true],
    [['*-'], 0, false],
  ])('%j: a name for the one at %i: %s', (patterns, index, expected) => {
    const name = findName([{ patterns, before: '' }], ([matches = []]) => matches.indexOf(true) === index);
    expect(name === null).toBe(!expected);
    if (typeof name === 'string') expect(patterns.findIndex((one) => matchesPattern(one, name))).toBe(index);
  });

  it('leave it open where deciding would take long', () => {
    const patterns = Array.from({ length: 12 }, (_, at) => `*${at}*${at + 1}*x${at}*y*`);
    const all = (matches: readonly (readonly boolean[])[]) => matches.flat().every((one) => one);
    expect(findName([{ patterns, before: '' }], all)).toBeUndefined();
  });
});

const ADAPTERS = {
  disk: { type: 'local', path: 'storage' },
  lan: { type: 'minio', endpoint: 'http://127.0.0.1:9000' },
};
const SHARDS = { buckets: 'shards', adapter: 'disk' };

function problemsOf(...mounts: readonly Record<string, unknown>[]): readonly string[] {
  try {
    const flag = (path: string, value: unknown) => ({ flag: `--${path}`, path: [path], value });
    loadConfig({ env: {}, flags: [flag('adapters', ADAPTERS), flag('mounts', mounts)] });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const lan = (buckets: string, rest: Record<string, unknown> = {}) => ({ buckets, adapter: 'lan', ...rest });

describe('mounts that are refused', () => {
  it('have rules that contradict each other', () => {
    expect(problemsOf(SHARDS, lan('a*', { upstream_bucket: 'abc' }))[0]).toMatch(
      /^mounts\[1\]\.upstream_bucket: "a\*" may be many/,
    );
    expect(problemsOf(SHARDS, lan('abc', { upstream_bucket: 'xyz', upstream_prefix: 'x-' }))[0]).toMatch(
      /^mounts\[1\]: .*exclude each other/,
    );
    expect(problemsOf(SHARDS, lan('abc', { upstream_bucket: 'No' }))[0]).toContain('a bucket name');
    expect(problemsOf(SHARDS, lan('Photos'))[0]).toMatch(/^mounts\[1\]\.buckets: "Photos" is not allowed/);
  });

  it('can never match', () => {
    expect(problemsOf(SHARDS, lan('*'), lan('photos'))).toEqual([
      'mounts[2].buckets: "photos" can never match: mounts[0] ("shards"), mounts[1] ("*") take all of its names; put it before them',
    ]);
    expect(problemsOf(SHARDS, lan('.a*'))[0]).toMatch(
      /^mounts\[1\]\.buckets: ".a\*" can never match: no bucket/,
    );
    expect(problemsOf(SHARDS, lan('a'.repeat(10), { upstream_prefix: 'p'.repeat(55) }))[0]).toMatch(
      /^mounts\[1\]\.upstream_prefix: leaves no room/,
    );
  });

  it('let two names be one bucket', () => {
    expect(
      problemsOf(SHARDS, lan('abc', { upstream_bucket: 'x12' }), lan('abd', { upstream_bucket: 'x12' })),
    ).toEqual([
      'mounts[2].upstream_bucket: the buckets "abc" and "abd" would both be "x12" of adapter lan; give one of the mounts another upstream_prefix, or another pattern',
    ]);
    expect(problemsOf(SHARDS, lan('abc', { upstream_bucket: 'xyz' }), lan('*'))[0]).toContain(
      'mounts[1].upstream_bucket: the buckets "abc" and "xyz" would both be "xyz"',
    );
    expect(problemsOf(SHARDS, lan('a*', { upstream_prefix: 'x-' }), lan('*'))[0]).toMatch(
      /^mounts\[1\]\.upstream_prefix: the buckets "(a\w+)" and "x-\1" would both be "x-\1" of adapter lan/,
    );
    expect(
      problemsOf(
        SHARDS,
        lan('a*', { upstream_prefix: 'x-' }),
        lan('-*'),
        lan('b*', { upstream_prefix: 'x-y-' }),
      ),
    ).not.toEqual([]);
  });

  it('hide what an adapter keeps for itself', () => {
    expect(problemsOf(SHARDS, lan('abc', { upstream_bucket: 'backup-node-documents' }))[0]).toContain(
      'is reserved',
    );
  });

  it('leave no place for shards', () => {
    expect(problemsOf(lan('a*'))[0]).toContain('none takes the bucket shards');
    expect(problemsOf(lan('*', { read_only: true }))[0]).toMatch(
      /^mounts\[0\]\.read_only: the bucket shards/,
    );
  });
});

describe('mounts that are taken', () => {
  it.each([
    ['one for all', [lan('*')]],
    ['a read-only one behind that of shards', [SHARDS, lan('*', { read_only: true })]],
    [
      'prefixes beside each other',
      [SHARDS, lan('a*', { upstream_prefix: 'x-' }), lan('b*', { upstream_prefix: 'y-' })],
    ],
    [
      'one prefix for several',
      [SHARDS, lan('a*', { upstream_prefix: 'x-' }), lan('b*', { upstream_prefix: 'x-' })],
    ],
    ['a prefix that no plain name has', [SHARDS, lan('a*', { upstream_prefix: 'x-' }), lan('b*')]],
    [
      'the same bucket of two adapters',
      [SHARDS, lan('abc', { upstream_bucket: 'xyz' }), { buckets: '*', adapter: 'disk' }],
    ],
    [
      'a bucket under the name that another mount has given away',
      [SHARDS, lan('abc', { upstream_bucket: 'abd' }), lan('abd', { upstream_bucket: 'abc' })],
    ],
  ])('%s', (_what, mounts) => {
    expect(problemsOf(...mounts)).toEqual([]);
  });
});
