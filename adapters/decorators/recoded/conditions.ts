import { evaluateDeleteCondition, evaluateWriteCondition } from '../../conditions.js';
import {
  type Adapter,
  type DeleteCondition,
  isStoreError,
  type ObjectInfo,
  type WriteCondition,
} from '../../contract/index.js';
import type { CodecNames } from './codec.js';
import { shownInfo } from './content.js';
import type { Contents, Known } from './contents.js';
import { whileReplaced } from './replaced.js';

interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly version_id?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Found {
  readonly stored: ObjectInfo;
  readonly shown: ObjectInfo;
  readonly content: Known;
}

export interface Conditions {
  /** The version as clients see it and as the upstream has it; undefined where there is none to read. */
  find(target: Target): Promise<Found | undefined>;
  /**
   * Conditions name ETags of plaintexts, the upstream knows its own. They are looked at here, and turned into a condition
   * on what was looked at, so that the upstream still acts in one atomic step.
   */
  forWrite(target: Target, condition: WriteCondition | undefined): Promise<WriteCondition | undefined>;
  forDelete(target: Target, condition: DeleteCondition | undefined): Promise<DeleteCondition | undefined>;
}

export function createConditions(inner: Adapter, contents: Contents, names: CodecNames): Conditions {
  const look = async ({ bucket, key, version_id, signal }: Target): Promise<Found> => {
    const { info } = await inner.headObject({ bucket, key, version_id, signal });
    const content = await contents.of({ bucket, info, signal });
    return { stored: info, shown: shownInfo(names, info, content), content };
  };
  const find = async (target: Target): Promise<Found | undefined> => {
    try {
      return await whileReplaced(() => look(target));
    } catch (error) {
      const absent = isStoreError(error, 'not_found') && error.subject !== 'bucket';
      if (absent || isStoreError(error, 'delete_marker')) return undefined;
      throw error;
    }
  };

  return {
    find,
    async forWrite(target, condition) {
      if (condition === undefined) return undefined;
      const { if_match, if_none_match } = condition;
      const any = [if_match, if_none_match].every((etag) => etag === undefined || etag === '*');
      if (any) return condition;
      const found = await find(target);
      evaluateWriteCondition(found && { etag: found.shown.etag }, condition);
      return found === undefined ? { if_none_match: '*' } : { if_match: found.stored.etag };
    },
    async forDelete(target, condition) {
      if (condition === undefined) return undefined;
      const found = await find(target);
      // A delete marker has neither ETag nor size of ours; without a target there is nothing to protect.
      if (found === undefined) return condition;
      evaluateDeleteCondition(found.shown, condition);
      return { if_match: found.stored.etag };
    },
  };
}
