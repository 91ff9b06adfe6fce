import { describe, expect, it } from 'vitest';
import { createBrief } from './brief.js';

function counting(kept_ms: number, entries_max = 10) {
  let readings = 0;
  const brief = createBrief({
    read: async (key) => {
      readings += 1;
      if (key === 'bad') throw new Error('cannot be read');
      return `${key} ${readings}`;
    },
    kept_ms,
    entries_max,
  });
  return { brief, readings: () => readings };
}

describe('what is believed for a moment', () => {
  it('is read once by all who ask within it, and again after it', async () => {
    const long = counting(60_000);
    expect(await Promise.all([long.brief.get('a'), long.brief.get('a')])).toEqual(['a 1', 'a 1']);
    expect(await long.brief.get('a')).toBe('a 1');
    const none = counting(0);
    expect([await none.brief.get('a'), await none.brief.get('a')]).toEqual(['a 1', 'a 2']);
  });

  it('is read anew once it was forgotten, also while it is being read', async () => {
    const { brief } = counting(60_000);
    const before = brief.get('a');
    brief.forget('a');
    expect(await brief.get('a')).toBe('a 2');
    expect(await before).toBe('a 1');
    expect(await brief.get('a')).toBe('a 2');
  });

  it('a failure is not remembered', async () => {
    const { brief, readings } = counting(60_000);
    await expect(brief.get('bad')).rejects.toThrow('cannot be read');
    await expect(brief.get('bad')).rejects.toThrow('cannot be read');
    expect(readings()).toBe(2);
  });

  it('holds no more than it may', async () => {
    const { brief, readings } = counting(60_000, 2);
    for (const key of ['a', 'b', 'c', 'a']) await brief.get(key);
    expect(readings()).toBe(4);
  });
});
