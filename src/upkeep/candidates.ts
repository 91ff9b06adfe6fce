import type { ObjectInfo } from '../../adapters/contract/index.js';

/** A shard that may be removed. */
export interface Candidate {
  readonly info: ObjectInfo;
  readonly has_copy: boolean;
}

export interface CandidateList {
  add(info: ObjectInfo, has_copy: boolean): void;
  /** Last the one to remove first. */
  take(): Candidate[];
  /** Whether candidates were left out. */
  overflowed(): boolean;
}

/** Those to remove first come last: with a copy elsewhere, then the oldest. */
function byWorth(a: Candidate, b: Candidate): number {
  if (a.has_copy !== b.has_copy) return a.has_copy ? 1 : -1;
  return b.info.modified_at_ms - a.info.modified_at_ms;
}

/** Keeps the best `count` of all that are added, in memory for twice as many. */
export function createCandidateList(count: number): CandidateList {
  let kept: Candidate[] = [];
  let overflow = false;
  const shrink = () => {
    kept.sort(byWorth);
    if (kept.length <= count) return;
    overflow = true;
    kept = kept.slice(-count);
  };
  return {
    add: (info, has_copy) => {
      kept.push({ info, has_copy });
      if (kept.length >= 2 * count) shrink();
    },
    take: () => {
      shrink();
      return kept;
    },
    overflowed: () => overflow,
  };
}
