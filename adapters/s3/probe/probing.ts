import type { Records } from '../records.js';
import { type Calls, ensure, isSilence, notSo } from './calls.js';
import type { Observation } from './compare.js';
import type { Value } from './promises.js';
import type { Scratch } from './scratch.js';

/** What every group of checks works with. */
export interface Probing {
  readonly calls: Calls;
  readonly scratch: Scratch;
  /** Without versions. */
  readonly bucket: string;
  /** As the adapter keeps them, in such a bucket. */
  recordsOf(bucket: string): Records;
  /** For the clean-up and for what one check tells the next. */
  readonly seen: ReadonlyMap<string, Observation>;
  /**
   * Notes what `check` finds: its result, or false with the reason where it throws a StoreError. Fails when the upstream
   * does not answer any more.
   */
  observe(name: string, check: () => Promise<Value>): Promise<Value>;
  /** Notes a departure from S3: true with the reason where `as_s3` throws. */
  observeDeparture(name: string, as_s3: () => Promise<unknown>): Promise<void>;
  note(name: string, observation: Observation): void;
}

export function createProbing(
  base: Pick<Probing, 'calls' | 'scratch' | 'bucket' | 'recordsOf'>,
  signal: AbortSignal | undefined,
): Probing {
  const seen = new Map<string, Observation>();
  async function answersStill(): Promise<boolean> {
    try {
      return (await base.calls.send({ method: 'HEAD', bucket: base.bucket })).ok;
    } catch {
      return false;
    }
  }
  async function attempt(check: () => Promise<Value>, otherwise: Value): Promise<Observation> {
    signal?.throwIfAborted();
    try {
      return { observed: await check() };
    } catch (error) {
      signal?.throwIfAborted();
      if (isSilence(error) && !(await answersStill())) throw error;
      if (!(error instanceof Error)) throw error;
      return { observed: otherwise, note: error.message };
    }
  }
  return {
    ...base,
    seen,
    async observe(name, check) {
      const observation = await attempt(check, false);
      seen.set(name, observation);
      return observation.observed;
    },
    async observeDeparture(name, as_s3) {
      const check = async () => {
        await as_s3();
        return false;
      };
      seen.set(name, await attempt(check, true));
    },
    note(name, observation) {
      seen.set(name, observation);
    },
  };
}

export async function put(
  { calls }: Pick<Probing, 'calls'>,
  bucket: string,
  key: string,
  content: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const body = Buffer.from(content);
  return calls.must({ method: 'PUT', bucket, key, headers, body });
}

/** The content of an object; null where there is none. */
export async function get(
  { calls }: Pick<Probing, 'calls'>,
  bucket: string,
  key: string,
  version_id?: string,
): Promise<string | null> {
  const answer = await calls.send({ method: 'GET', bucket, key, query: { versionId: version_id } });
  return answer.ok ? answer.text : null;
}

/** Ends the check unless the object has this content. */
export async function expectContent(
  probing: Pick<Probing, 'calls'>,
  bucket: string,
  key: string,
  content: string | null,
): Promise<void> {
  const found = await get(probing, bucket, key);
  if (found === content) return;
  throw notSo(
    content === null ? `${key} is there` : found === null ? `${key} is not there` : `${key} was changed`,
  );
}

/** Ends the check unless the upstream refuses the request. */
export async function expectRefusal(
  { calls }: Pick<Probing, 'calls'>,
  request: Parameters<Calls['send']>[0],
  what: string,
): Promise<void> {
  const { ok } = await calls.send(request);
  ensure(!ok, `${what} was taken`);
}
