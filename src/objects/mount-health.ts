import { StoreError } from '../../adapters/contract/index.js';
import { TOO_LATE, within } from '../../adapters/within.js';
import { LIMITS } from '../../config/limits.js';

/** A mount that began to fail, or answers again. */
export type MountEvent =
  | { readonly type: 'mount_down'; readonly mount: string; readonly error: StoreError }
  | { readonly type: 'mount_up'; readonly mount: string };

/** Which mounts answer, as far as listings and looks at them tell. */
export interface MountHealth {
  /**
   * Runs a call to these mounts (of one adapter), bounded in time: what does not answer within `wait_ms` fails with
   * `unavailable`, and then at once for `pause_ms`. Errors: those of the call.
   */
  watch<R>(mounts: readonly string[], call: () => Promise<R>): Promise<R>;
  /** Patterns of the mounts that did not answer when they were asked last. */
  down(): readonly string[];
}

export interface MountHealthOptions {
  readonly onEvent?: ((event: MountEvent) => void) | undefined;
  readonly wait_ms?: number | undefined;
  readonly pause_ms?: number | undefined;
}

interface Trouble {
  readonly error: StoreError;
  readonly until_ms: number;
}

export function createMountHealth(options: MountHealthOptions = {}): MountHealth {
  const { onEvent, wait_ms = LIMITS.mount_list_wait_ms_max, pause_ms = LIMITS.mount_list_pause_ms } = options;
  const troubles = new Map<string, Trouble>();

  const setDown = (mounts: readonly string[], error: StoreError, until_ms: number) => {
    for (const mount of mounts) {
      if (!troubles.has(mount)) onEvent?.({ type: 'mount_down', mount, error });
      troubles.set(mount, { error, until_ms });
    }
  };
  const setUp = (mounts: readonly string[]) => {
    for (const mount of mounts) if (troubles.delete(mount)) onEvent?.({ type: 'mount_up', mount });
  };

  return {
    watch: async (mounts, call) => {
      const trouble = troubles.get(mounts[0] ?? '');
      if (trouble !== undefined && trouble.until_ms > performance.now()) throw trouble.error;
      try {
        // The call goes on: an upstream that does not answer does not hear that nobody waits any more either.
        const result = await within(wait_ms, call());
        if (result !== TOO_LATE) {
          setUp(mounts);
          return result;
        }
      } catch (error) {
        // What fails fast can be asked again each time.
        if (error instanceof StoreError) setDown(mounts, error, 0);
        throw error;
      }
      const slow = new StoreError('unavailable', `no answer within ${wait_ms} ms`, { subject: 'adapter' });
      setDown(mounts, slow, performance.now() + pause_ms);
      throw slow;
    },
    down: () => [...troubles.keys()],
  };
}
