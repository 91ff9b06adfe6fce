import type { Capabilities } from '../../contract/index.js';
import {
  type Habits,
  OVERRIDABLE,
  PROVIDER_CAPABILITIES,
  PROVIDER_HABITS,
  PROVIDERS,
  type Provider,
} from '../providers.js';
import { PROMISES, type PromiseOf, type Value } from './promises.js';

/**
 * `broken`: less than is declared was seen, so the adapter promises what it cannot keep. `unused`: more was seen than is
 * declared. `unseen`: a declared departure from S3 did not show, which proves nothing. `untried`: nothing was learnt.
 */
type Verdict = 'ok' | 'broken' | 'unused' | 'unseen' | 'untried';

export interface Observation {
  readonly observed: Value;
  /** Why it is not as S3 has it, in the words of the upstream where it gave some. */
  readonly note?: string;
}

export type Observations = ReadonlyMap<string, Observation>;

export interface ProbeLine extends Observation {
  readonly name: string;
  readonly declared: Value;
  readonly verdict: Verdict;
}

export interface ProbeReport {
  readonly lines: readonly ProbeLine[];
  /** What to write into the configuration. */
  readonly suggestions: readonly string[];
  /** Scratch buckets that could not be removed. */
  readonly buckets_left: readonly string[];
}

/** What is declared against what was seen, in the order of the contract. */
export function compare(
  seen: Observations,
  capabilities: Capabilities,
  habits: Habits,
): readonly ProbeLine[] {
  return PROMISES.map((promise) => {
    const declared = promise.declared(capabilities, habits);
    const { untried } = promise;
    const nothing = { observed: undefined, ...(untried !== undefined && { note: untried }) };
    const observation = seen.get(promise.name) ?? nothing;
    return {
      name: promise.name,
      declared,
      ...observation,
      verdict: verdictOf(promise, declared, observation),
    };
  });
}

function verdictOf({ kind }: PromiseOf, declared: Value, { observed }: Observation): Verdict {
  if (observed === undefined || declared === undefined) return 'untried';
  if (observed === declared) return 'ok';
  if (kind === 'allowance') return observed === true ? 'broken' : 'unseen';
  const less = kind === 'least' ? Number(observed) > Number(declared) : Number(observed) < Number(declared);
  return less ? 'broken' : 'unused';
}

/** What to write into the configuration, in sentences; none when it is as good as can be. */
export function suggestions(
  seen: Observations,
  provider: Provider,
  lines: readonly ProbeLine[],
): readonly string[] {
  const broken = lines.filter(({ verdict }) => verdict === 'broken');
  const unused = lines.filter(({ verdict }) => verdict === 'unused');
  const better = betterProvider(seen, provider, broken.length, unused.length);
  const found: string[] = [];
  if (better !== undefined) {
    found.push(
      `"provider": ${JSON.stringify(better)} describes this server better than ${JSON.stringify(provider)}.`,
    );
  } else {
    const flags = [...broken, ...unused].filter(({ name }) => OVERRIDABLE.some((flag) => flag === name));
    const wanted = Object.fromEntries(flags.map(({ name, observed }) => [name, observed]));
    if (flags.length > 0) found.push(`"capabilities": ${JSON.stringify(wanted)} would make it so.`);
  }
  if (broken.length > 0) {
    found.push(
      'What is declared and was not seen will fail when it is used: do not run a node over this as it is.',
    );
  }
  return found;
}

/** One under which nothing is broken and the least is left unused; undefined when the present one is no worse. */
function betterProvider(
  seen: Observations,
  present: Provider,
  broken_now: number,
  unused_now: number,
): Provider | undefined {
  const literal = PROVIDER_HABITS[present].literal_dot_segments;
  let best: { readonly provider: Provider; readonly unused: number } | undefined;
  for (const provider of PROVIDERS) {
    const habits = PROVIDER_HABITS[provider];
    const lines = compare(seen, PROVIDER_CAPABILITIES[provider], habits).filter(
      // Such keys were sent in the one form only.
      ({ name }) => name !== 'keys.any_segments' || habits.literal_dot_segments === literal,
    );
    if (lines.some(({ verdict }) => verdict === 'broken')) continue;
    const unused = lines.filter(({ verdict }) => verdict === 'unused').length;
    if (best === undefined || unused < best.unused) best = { provider, unused };
  }
  if (best === undefined || best.provider === present) return undefined;
  return broken_now > 0 || best.unused < unused_now ? best.provider : undefined;
}
