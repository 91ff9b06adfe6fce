import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { LIMITS } from '../../config/limits.js';
import type { StateStore } from '../state/store.js';

/** Work that is done again and again. */
export interface Task {
  readonly name: string;
  /** From the end of one run to the begin of the next. */
  readonly interval_ms: number;
  /** True when an earlier process left a run unfinished: it goes on at once. */
  readonly unfinished?: () => boolean;
  run(signal: AbortSignal): Promise<void>;
}

export interface Schedule {
  /** Aborts what runs and resolves when all of it has ended. */
  stop(): Promise<void>;
}

interface Finished {
  readonly finished_at_ms: number;
}

/** Nodes that were started together do not do their work together. */
const JITTER = 0.05;
const START_DELAY_MS = 1_000;
/** Timers hold at most 2^31 ms; and a clock that is set is noticed within the hour. */
const NAP_MS_MAX = 3_600_000;

/** Runs each task on its interval, which goes on across restarts. A task that fails is tried again after a pause. */
export function startSchedule(tasks: readonly Task[], state: StateStore, logger: Logger): Schedule {
  const controller = new AbortController();
  const { signal } = controller;
  const table = state.table<Finished>('upkeep_runs');

  /** The interval counts from the first start when nothing was ever done. */
  const dueAt = async ({ name, interval_ms, unfinished }: Task): Promise<number> => {
    let last = table.get(name);
    if (last === undefined) {
      last = { finished_at_ms: Date.now() };
      await table.put(name, last);
    }
    if (unfinished?.()) return Date.now() + START_DELAY_MS;
    return last.finished_at_ms + interval_ms * (1 + JITTER * Math.random());
  };

  const sleepUntil = async (at_ms: number) => {
    for (let left = at_ms - Date.now(); left > 0; left = at_ms - Date.now()) {
      await wait(Math.min(left, NAP_MS_MAX), undefined, { signal, ref: false });
    }
  };

  const runOnce = async (task: Task): Promise<void> => {
    try {
      await task.run(signal);
      await table.put(task.name, { finished_at_ms: Date.now() });
    } catch (error) {
      if (signal.aborted) return;
      logger.error({ event: 'upkeep_failed', task: task.name, err: error }, 'Background work failed');
      await sleepUntil(Date.now() + LIMITS.upkeep_retry_ms);
    }
  };

  const loop = async (task: Task): Promise<void> => {
    while (!signal.aborted) {
      await sleepUntil(await dueAt(task));
      await runOnce(task);
    }
  };

  const loops = tasks.map((task) =>
    loop(task).catch((error: unknown) => {
      if (signal.aborted) return;
      logger.error({ event: 'upkeep_stopped', task: task.name, err: error }, 'Background work has stopped');
    }),
  );
  return {
    stop: async () => {
      controller.abort();
      await Promise.all(loops);
    },
  };
}
