/** Where a node is in its life. */
export type Phase = 'starting' | 'running' | 'draining';

/** What `/health` answers from: only a running node wants traffic. */
export interface MutablePhase {
  phase(): Phase;
  set(phase: Phase): void;
}

export function createPhase(): MutablePhase {
  let now: Phase = 'starting';
  return {
    phase: () => now,
    set: (phase) => {
      now = phase;
    },
  };
}
