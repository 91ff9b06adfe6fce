import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../config/limits.js';
import {
  type Adapter,
  type CompleteUploadInput,
  type DeleteObjectInput,
  type DeleteObjectsInput,
  isStoreError,
  type ObjectAddress,
} from '../contract/index.js';
import { forwarding } from '../forwarding.js';
import { closedError, createGate, type Gate } from '../gate.js';
import type { ChangeLog, Intent, NewChange } from './change-log.js';
import { bucketThere, headKey } from './observe.js';
import { bucketChange, deleteChanges, goneBucket, isRefusal, metadataChange, putChange } from './outcomes.js';
import type { Resolver } from './resolver.js';
import type { WriteOrder } from './write-order.js';

export interface JournalParts {
  readonly upstream: Adapter;
  readonly log: ChangeLog;
  readonly order: WriteOrder;
  readonly resolver: Resolver;
  /** There is more to tell than fits beside a call: a pass of reconciliation does. */
  readonly onBehind: () => void;
}

export interface Journal {
  /** The upstream with every write of ours in the log: what it is about to be before it is sent, what it was before it is answered. */
  readonly adapter: Adapter;
  /** Resolves when no write is under way; there will be no further ones. */
  close(): Promise<void>;
}

type Subject = Pick<Intent, 'kind' | 'bucket' | 'key'>;
type Write = <Result>(
  subjects: readonly Subject[],
  run: () => Promise<Result>,
  /** Of each subject, in order. */
  changesOf: (result: Result) => Promise<readonly Known[]> | readonly Known[],
) => Promise<Result>;
/** Null: what became of it has to be found out. */
type Known = readonly NewChange[] | null;

export function keepJournal(parts: JournalParts): Journal {
  const gate = createGate();
  const write = createWrite(parts, gate);
  const adapter: Adapter = {
    ...forwarding(parts.upstream),
    capabilities: { ...parts.upstream.capabilities, change_feed: true },
    ...bucketWrites(parts, write),
    ...objectWrites({ ...parts, gate }, write),
    ...versionWrites(parts, write),
  };
  return { adapter, close: () => gate.close() };
}

function createWrite({ log, order, resolver }: JournalParts, gate: Gate): Write {
  return async (subjects, run, changesOf) => {
    gate.enter(undefined);
    try {
      const intents = subjects.map((subject) => log.newIntent({ ...subject, at_ms: Date.now() }));
      for (const { bucket, key } of subjects) order.enter(bucket, key);
      const leave = async (outcome: (at: number) => Known) => {
        const unknown = intents.filter((_, at) => outcome(at) === null);
        const ends = intents.map(({ bucket, key, id }, at) => {
          const changes = outcome(at);
          return order.leave(bucket, key, changes ?? [], changes === null ? [] : [id]);
        });
        try {
          await Promise.all(ends);
        } catch (error) {
          // The call was carried out, but the log does not say so.
          for (const intent of intents) resolver.add(intent);
          throw error;
        }
        for (const intent of unknown) resolver.add(intent);
      };
      let result: Awaited<ReturnType<typeof run>>;
      try {
        await log.write({ begin: intents });
        result = await run();
      } catch (error) {
        await leave(() => (isRefusal(error) ? [] : null));
        throw error;
      }
      // The call was carried out; what exactly it changed may be impossible to find out now.
      const changes = await Promise.resolve()
        .then(() => changesOf(result))
        .catch(() => null);
      await leave((at) => changes?.[at] ?? null);
      return result;
    } finally {
      gate.leave();
    }
  };
}

function bucketWrites({ upstream, log, onBehind }: JournalParts, write: Write) {
  const settings = (bucket: string): Subject[] => [{ kind: 'bucket_settings', bucket, key: '' }];
  const whole = (bucket: string): Subject[] => [{ kind: 'bucket', bucket, key: '' }];
  return {
    createBucket: (input) =>
      write(
        whole(input.bucket),
        () => upstream.createBucket(input),
        ({ versioning }) => [[bucketChange('bucket_created', input.bucket, versioning)]],
      ),
    deleteBucket: (input) =>
      write(
        whole(input.bucket),
        () => upstream.deleteBucket(input),
        () => {
          const changes = goneBucket(log, input.bucket);
          if (changes === undefined) onBehind();
          return [changes ?? []];
        },
      ),
    putVersioning: (input) =>
      write(
        settings(input.bucket),
        () => upstream.putVersioning(input),
        () => [[bucketChange('bucket_changed', input.bucket, input.versioning)]],
      ),
    putDocument: (input) =>
      write(
        settings(input.bucket),
        () => upstream.putDocument(input),
        () => [[bucketChange('bucket_changed', input.bucket)]],
      ),
    deleteDocument: (input) =>
      write(
        settings(input.bucket),
        () => upstream.deleteDocument(input),
        () => [[bucketChange('bucket_changed', input.bucket)]],
      ),
  } satisfies Partial<Adapter>;
}

const objectAt = ({ bucket, key }: { bucket: string; key: string }): Subject => ({
  kind: 'object',
  bucket,
  key,
});

interface ObjectParts extends JournalParts {
  readonly gate: Gate;
}

function objectWrites(parts: ObjectParts, write: Write) {
  const { upstream } = parts;
  const completed = createCompleted(parts.log);
  return {
    putObject: (input) =>
      write(
        [objectAt(input)],
        () => upstream.putObject(input),
        (info) => [[putChange(input.bucket, info)]],
      ),
    copyObject: (input) =>
      write(
        [objectAt(input)],
        () => upstream.copyObject(input),
        ({ info }) => [[putChange(input.bucket, info)]],
      ),
    completeUpload: (input) =>
      write(
        [objectAt(input)],
        () => upstream.completeUpload(input),
        (info) => [completed.isNew(input, info.version_id) ? [putChange(input.bucket, info)] : []],
      ),
    deleteObject: async (input) => {
      const there = await isThere(parts, input);
      return write(
        [objectAt(input)],
        () => upstream.deleteObject(input),
        async (result) => [deleteChanges({ ...(await deleted(parts, input, there)), result })],
      );
    },
    deleteObjects: (input) => deleteBatch(parts, write, input),
  } satisfies Partial<Adapter>;
}

/** Asked again after it succeeded, completing gives the same answer and changes nothing. */
function createCompleted(log: ChangeLog) {
  const ids = new LRUCache<string, true>({ max: LIMITS.upstream_uploads_known_max });
  return {
    isNew({ bucket, key, upload_id }: CompleteUploadInput, version_id: string): boolean {
      if (ids.has(upload_id) && log.known(bucket, key, version_id) !== undefined) return false;
      ids.set(upload_id, true);
      return true;
    },
  };
}

type Target = Pick<DeleteObjectInput, 'bucket' | 'key' | 'version_id'>;

/**
 * Whether there is something that a delete could remove, as far as the feed has told of it. What it has not told of was
 * written by others a moment ago, or never.
 */
async function isThere(
  { upstream, log, gate }: ObjectParts,
  { bucket, key, version_id }: Target,
): Promise<boolean> {
  if (gate.closed) throw closedError();
  if (log.known(bucket, key, version_id ?? 'null') !== undefined) return true;
  // While nothing is known for certain, a delete too many is told rather than one too few.
  if (log.state().baseline_at_ms === null || log.status().inventory_full) return true;
  if (version_id !== undefined) {
    return upstream.headObject({ bucket, key, version_id }).then(
      () => true,
      (error: unknown) => !isRefusal(error) || isStoreError(error, 'delete_marker'),
    );
  }
  if (upstream.capabilities.versioning) {
    const there = await bucketThere(upstream, bucket).catch(() => null);
    // A delete marker will say itself that it was made.
    if (there !== null && there.versioning !== 'unversioned') return false;
  }
  return (await headKey(upstream, bucket, key)) !== null;
}

async function deleted(
  { upstream, log }: JournalParts,
  { bucket, key, version_id }: Target,
  was_known: boolean,
) {
  // It may have been written between the look and the delete.
  const was_there = was_known || log.known(bucket, key, version_id ?? 'null') !== undefined;
  const target = { bucket, key, version_id, was_there };
  if (version_id !== undefined || !upstream.capabilities.versioning) {
    return { ...target, versioning: 'unversioned' as const };
  }
  const there = await bucketThere(upstream, bucket);
  return { ...target, versioning: there?.versioning ?? ('unversioned' as const) };
}

async function deleteBatch(parts: ObjectParts, write: Write, input: DeleteObjectsInput) {
  const { bucket, objects } = input;
  const there: boolean[] = [];
  for (let from = 0; from < objects.length; from += LIMITS.feed_lookups_at_once) {
    const some = objects.slice(from, from + LIMITS.feed_lookups_at_once);
    there.push(...(await Promise.all(some.map((target) => isThere(parts, { ...target, bucket })))));
  }
  const keys = Array.from(new Set(objects.map(({ key }) => key)));
  return write(
    keys.map((key) => objectAt({ bucket, key })),
    () => parts.upstream.deleteObjects(input),
    async (results) => {
      const changes = new Map(keys.map((key) => [key, [] as NewChange[]]));
      const unknown = new Set<string>();
      for (const [at, target] of objects.entries()) {
        const result = results[at];
        if (result === undefined || 'error' in result) {
          if (!isRefusal(result?.error)) unknown.add(target.key);
          continue;
        }
        const told = await deleted(parts, { ...target, bucket }, there[at] === true);
        changes.get(target.key)?.push(...deleteChanges({ ...told, result }));
      }
      return keys.map((key) => (unknown.has(key) ? null : (changes.get(key) ?? [])));
    },
  );
}

function versionWrites({ upstream, log }: JournalParts, write: Write) {
  const metadata = <Result>(
    input: ObjectAddress,
    run: () => Promise<Result>,
    versionOf: (result: Result) => Promise<string> | string,
  ) =>
    write([{ kind: 'metadata', bucket: input.bucket, key: input.key }], run, async (result) => {
      const { bucket, key } = input;
      const version_id = await versionOf(result);
      return [[metadataChange(bucket, key, version_id, log.known(bucket, key, version_id))]];
    });
  const named = async ({ bucket, key, version_id }: ObjectAddress) =>
    version_id ?? (await headKey(upstream, bucket, key))?.version_id ?? 'null';
  return {
    putTags: (input) =>
      metadata(
        input,
        () => upstream.putTags(input),
        ({ version_id }) => version_id,
      ),
    putRetention: (input) =>
      metadata(
        input,
        () => upstream.putRetention(input),
        () => named(input),
      ),
    putLegalHold: (input) =>
      metadata(
        input,
        () => upstream.putLegalHold(input),
        () => named(input),
      ),
  } satisfies Partial<Adapter>;
}
