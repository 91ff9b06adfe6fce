/** Where a node is in its life. */
export type Phase = 'starting' | 'running' | 'draining' | 'failed';

export interface PhaseSource {
  phase(): Phase;
}

export interface MutablePhase extends PhaseSource {
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

/** What `/health` answers with: only a running node wants traffic. */
export function healthStatus(phase: Phase): { readonly status_code: 200 | 503; readonly status: string } {
  return phase === 'running' ? { status_code: 200, status: 'healthy' } : { status_code: 503, status: phase };
}
