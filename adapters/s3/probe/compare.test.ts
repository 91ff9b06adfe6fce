import { describe, expect, it } from 'vitest';
import { PROVIDER_CAPABILITIES, PROVIDER_HABITS, PROVIDERS, type Provider } from '../providers.js';
import { compare, type Observation, suggestions } from './compare.js';
import { PROMISES, type Value } from './promises.js';

/** A server that does exactly what is declared of its provider, but for what is changed. */
function serverLike(provider: Provider, changed: Readonly<Record<string, Value>> = {}) {
  const seen = new Map<string, Observation>();
  for (const { name, declared } of PROMISES) {
    const observed = declared(PROVIDER_CAPABILITIES[provider], PROVIDER_HABITS[provider]);
    seen.set(name, { observed: name in changed ? changed[name] : observed });
  }
  return seen;
}

function judge(provider: Provider, seen: ReadonlyMap<string, Observation>) {
  const lines = compare(seen, PROVIDER_CAPABILITIES[provider], PROVIDER_HABITS[provider]);
  const verdicts = Object.fromEntries(
    lines.filter(({ verdict }) => verdict !== 'ok').map(({ name, verdict }) => [name, verdict]),
  );
  return { verdicts, advice: suggestions(seen, provider, lines).join('\n') };
}

describe('verdicts', () => {
  it.each(PROVIDERS)('a server as %s is declared has nothing to be said of', (provider) => {
    expect(judge(provider, serverLike(provider))).toEqual({ verdicts: {}, advice: '' });
  });

  it('less than declared is broken, more is not used', () => {
    const changed = {
      versioning: false,
      conditional_delete: true,
      key_bytes_max: 500,
      part_bytes_min: 10 * 1024 ** 2,
      'deviations.no_empty_parts': true,
      'deviations.ascii_tags': false,
      'habits.md5_etags': undefined,
    };
    expect(judge('minio', serverLike('minio', changed)).verdicts).toEqual({
      versioning: 'broken',
      conditional_delete: 'unused',
      key_bytes_max: 'broken',
      part_bytes_min: 'broken',
      'deviations.no_empty_parts': 'broken',
      'deviations.ascii_tags': 'unseen',
      'habits.md5_etags': 'untried',
    });
  });

  it('a departure from S3 that narrows a limit is no less when it is not there', () => {
    const changed = { 'habits.copy_part_bytes_min': 0 };
    expect(judge('garage', serverLike('garage', changed)).verdicts).toEqual({
      'habits.copy_part_bytes_min': 'unused',
    });
  });
});

describe('suggestions', () => {
  it('names the provider under which all that is there is used', () => {
    expect(judge('generic', serverLike('backup-node')).advice).toContain('"provider": "backup-node"');
    expect(judge('aws', serverLike('garage')).advice).toContain('"provider": "garage"');
  });

  it('names single capabilities where no provider fits better', () => {
    const { advice } = judge('versitygw', serverLike('versitygw', { tagging: false }));
    expect(advice).toContain('"capabilities": {"tagging":false}');
    expect(advice).toContain('do not run a node over this');
  });
});
