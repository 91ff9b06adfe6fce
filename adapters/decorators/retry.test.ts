import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamOf, utf8 } from '../conformance/support/bytes.js';
import { failure, rejection } from '../conformance/support/expect.js';
import { type OpenedAdapter, OWNER } from '../conformance/support/harness.js';
import type { Adapter } from '../contract/index.js';
import { openInFreshFolder } from '../local/testing/open-in-fresh-folder.js';
import { type RetryOptions, type RetryReport, retry } from './retry.js';
import { type Fault, withFaults } from './testing/faults.js';

const OPTIONS: RetryOptions = {
  attempts_max: 3,
  delay_ms: 1,
  delay_ms_max: 5_000,
  budget_percent: 10,
  burst: 10,
};

let opened: OpenedAdapter;
const bucket = 'bucket';

beforeAll(async () => {
  opened = await openInFreshFolder();
  await opened.adapter.createBucket({ bucket, owner: OWNER });
});
afterAll(() => opened.close());

function retrying(script: readonly Fault[], options: Partial<RetryOptions> = {}) {
  const { adapter, calls } = withFaults(opened.adapter, script);
  const reports: RetryReport[] = [];
  const onRetry = (report: RetryReport) => reports.push(report);
  return { store: retry(adapter, { ...OPTIONS, onRetry, ...options }), calls, reports };
}

const lost = (method: Fault['method']): Fault => ({ method, kind: 'unavailable', when: 'after' });
const refused = (method: Fault['method'], detail: Fault['detail'] = {}): Fault => ({
  method,
  kind: 'throttled',
  when: 'before',
  detail,
});
const content = { body: utf8('content'), size_bytes: 7 };

async function textOf(store: Adapter, key: string): Promise<string> {
  return Buffer.from((await store.getObject({ bucket, key })).body as Uint8Array).toString();
}

describe('retry', () => {
  it('repeats reads and writes that failed for a moment', async () => {
    const { store, calls, reports } = retrying([lost('putObject'), refused('putObject'), lost('headObject')]);
    await store.putObject({ bucket, key: 'a', ...content });
    expect((await store.headObject({ bucket, key: 'a' })).info.size_bytes).toBe(7);
    expect(calls).toEqual(['putObject', 'putObject', 'putObject', 'headObject', 'headObject']);
    expect(reports.map(({ attempt, error }) => [attempt, error.kind])).toEqual([
      [1, 'unavailable'],
      [2, 'throttled'],
      [1, 'unavailable'],
    ]);
  });

  it('gives up after the last attempt, and repeats nothing else', async () => {
    const failing = retrying([lost('headBucket'), lost('headBucket'), lost('headBucket')]);
    await failure(failing.store.headBucket({ bucket }), 'unavailable');
    expect(failing.calls).toHaveLength(3);
    const { store, calls } = retrying([{ method: 'headBucket', kind: 'unexpected', when: 'before' }]);
    await failure(store.headBucket({ bucket }), 'unexpected');
    await failure(store.headObject({ bucket, key: 'none' }), 'not_found');
    expect(calls).toHaveLength(2);
  });

  it('does not mistake its own first attempt for somebody else', async () => {
    const condition = { if_none_match: '*' };
    const { store, calls } = retrying([lost('putObject'), lost('createBucket'), lost('deleteBucket')]);
    await failure(store.putObject({ bucket, key: 'b', ...content, condition }), 'unavailable');
    expect(await textOf(store, 'b')).toBe('content');
    await failure(store.createBucket({ bucket: 'another', owner: OWNER }), 'unavailable');
    await failure(store.deleteBucket({ bucket: 'another' }), 'unavailable');
    expect(calls.filter((method) => method === 'putObject')).toHaveLength(2);
    const other = retrying([refused('putObject')]).store;
    await failure(other.putObject({ bucket, key: 'b', ...content, condition }), 'precondition_failed');
  });

  it('completes an upload whose answer was lost', async () => {
    const { store } = retrying([lost('completeUpload')]);
    const { upload_id } = await store.createUpload({ bucket, key: 'c' });
    const upload = { bucket, key: 'c', upload_id };
    const { etag } = await store.uploadPart({ ...upload, part_number: 1, ...content });
    const info = await store.completeUpload({ ...upload, parts: [{ part_number: 1, etag }] });
    expect((await store.headObject({ bucket, key: 'c' })).info).toEqual(info);
  });

  it('never sends again what is locked, nor a stream that was begun', async () => {
    const locked = { attributes: { legal_hold: true } };
    const held = retrying([lost('putObject')]);
    await failure(held.store.putObject({ bucket, key: 'd', ...content, ...locked }), [
      'unavailable',
      'conflict',
    ]);
    expect(held.calls).toEqual(['putObject']);
    const begun = retrying([lost('putObject')]);
    const body = streamOf(utf8('content'));
    await failure(begun.store.putObject({ bucket, key: 'e', body, size_bytes: 7 }), 'unavailable');
    expect(begun.calls).toEqual(['putObject']);
    const untouched = retrying([refused('putObject')]);
    await untouched.store.putObject({ bucket, key: 'f', body: streamOf(utf8('content')), size_bytes: 7 });
    expect(untouched.calls).toHaveLength(2);
    expect(await textOf(untouched.store, 'f')).toBe('content');
  });

  it('waits as long as the server asks, but not too long', async () => {
    const patient = retrying([refused('headBucket', { retry_after_ms: 60 })]);
    const started_at_ms = performance.now();
    await patient.store.headBucket({ bucket });
    expect(performance.now() - started_at_ms).toBeGreaterThanOrEqual(55);
    for (const retry_after of ['60', new Date(Date.now() + 60_000).toUTCString()]) {
      const { store, calls } = retrying([refused('headBucket', { retry_after })]);
      await failure(store.headBucket({ bucket }), 'throttled');
      expect(calls).toHaveLength(1);
    }
    const hopeless = retrying([refused('headBucket', { retry_after_ms: 60_000 })]);
    const error = await failure(hopeless.store.headBucket({ bucket }), 'throttled');
    expect(error.detail.retry_after_ms).toBe(60_000);
    expect(hopeless.calls).toHaveLength(1);
  });

  it('stops when the caller does', async () => {
    const controller = new AbortController();
    const reason = new Error('gone');
    const onRetry = () => setImmediate(() => controller.abort(reason));
    const aborted = retrying([refused('headBucket', { retry_after_ms: 5_000 })], { onRetry });
    expect(await rejection(aborted.store.headBucket({ bucket, signal: controller.signal }))).toBe(reason);
    expect(aborted.calls).toHaveLength(1);
  });

  it('repeats nothing when the call has taken too long already', async () => {
    const late = retrying([lost('headBucket')], { elapsed_ms_max: 0 });
    await failure(late.store.headBucket({ bucket }), 'unavailable');
    expect(late.calls).toHaveLength(1);
    const early = retrying([lost('headBucket')], { elapsed_ms_max: 60_000 });
    await early.store.headBucket({ bucket });
    expect(early.calls).toHaveLength(2);
  });

  it('repeats nothing that failed by a timeout', async () => {
    const fault: Fault = { method: 'headBucket', kind: 'unavailable', when: 'before' };
    const { store, calls } = retrying([fault, { ...fault, detail: { timed_out: true } }]);
    await failure(store.headBucket({ bucket }), 'unavailable');
    expect(calls).toHaveLength(2);
  });

  it('keeps to its budget', async () => {
    const script = Array.from({ length: 400 }, () => refused('headBucket'));
    const { store, calls } = retrying(script, { burst: 5, budget_percent: 10, attempts_max: 2 });
    for (let n = 0; n < 100; n++) await failure(store.headBucket({ bucket }), 'throttled');
    // 100 calls earn 10 repeats beside the 5 that were saved.
    expect(calls.length).toBeGreaterThanOrEqual(113);
    expect(calls.length).toBeLessThanOrEqual(115);
  });
});
