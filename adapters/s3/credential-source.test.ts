import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { StoreError } from '../contract/index.js';
import { type CredentialSource, createCredentialSource } from './credential-source.js';
import { answerError } from './errors.js';
import type { UpstreamCredentials } from './options.js';
import { overUpstream } from './testing/bad-upstream.js';

const KEYS: UpstreamCredentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
const OBJECT = { bucket: 'bucket', key: 'key' };
const REFUSED = answerError(403, 'InvalidAccessKeyId', 'No');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const later = async (source: CredentialSource) => source.get();

/** What nobody answers, until the test does. */
function asked() {
  const looks: { readonly anew: boolean; answer(keys: UpstreamCredentials): void }[] = [];
  const source = createCredentialSource(
    ({ anew = false } = {}) => new Promise((answer) => looks.push({ anew, answer })),
  );
  return { looks, source };
}

describe('a source that does not answer', () => {
  /** Of our own requests and of those of the SDK. */
  const calls: [string, (adapter: Adapter, signal?: AbortSignal) => Promise<unknown>][] = [
    ['getObject', (adapter, signal) => adapter.getObject({ ...OBJECT, ...(signal && { signal }) })],
    ['getTags', (adapter, signal) => adapter.getTags({ ...OBJECT, ...(signal && { signal }) })],
  ];
  /** `begun`: it is asked. The SDK has other things to do before. */
  function hanging() {
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const credentials = () => {
      begin();
      return new Promise<never>(() => undefined);
    };
    return { begun, options: { credentials } };
  }
  const nobody = () => expect.unreachable('nothing can be signed');

  it.each(calls)('is unavailable in time to %s', async (_, call) => {
    const { begun, options } = hanging();
    await overUpstream(
      nobody,
      async (adapter) => {
        const failed = failure(call(adapter), 'unavailable');
        await begun;
        await vi.advanceTimersByTimeAsync(LIMITS.upstream_credentials_wait_ms_max);
        expect((await failed).message).toContain('credentials');
      },
      options,
    );
  });

  it.each(calls)('does not keep a %s that its caller ends', async (_, call) => {
    const { begun, options } = hanging();
    await overUpstream(
      nobody,
      async (adapter) => {
        const abort = new AbortController();
        const ended = expect(call(adapter, abort.signal)).rejects.toThrow('enough');
        await begun;
        abort.abort(new Error('enough'));
        await ended;
      },
      options,
    );
  });

  it('is not asked again by each call, until it has had its time', async () => {
    const { looks, source } = asked();
    const first = failure(later(source), 'unavailable');
    await vi.advanceTimersByTimeAsync(LIMITS.upstream_credentials_wait_ms_max);
    await first;
    await failure(later(source), 'unavailable');
    expect(looks).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(LIMITS.upstream_credentials_given_up_ms);
    const second = source.get();
    expect(looks.map(({ anew }) => anew)).toEqual([false, true]);
    looks[1]?.answer(KEYS);
    expect(await second).toBe(KEYS);
  });

  it('may answer late', async () => {
    const { looks, source } = asked();
    const first = failure(later(source), 'unavailable');
    await vi.advanceTimersByTimeAsync(LIMITS.upstream_credentials_wait_ms_max);
    await first;
    looks[0]?.answer(KEYS);
    await vi.advanceTimersByTimeAsync(0);
    const second = source.get();
    looks[1]?.answer(KEYS);
    expect(await second).toBe(KEYS);
  });
});

describe('credentials that the upstream refuses', () => {
  function answering() {
    const looks: boolean[] = [];
    const source = createCredentialSource(async ({ anew = false } = {}) => {
      looks.push(anew);
      return KEYS;
    });
    return { looks, source };
  }

  it('are looked for anew by the next call, once in some seconds', async () => {
    const { looks, source } = answering();
    await source.get();
    for (let round = 0; round < 3; round++) {
      source.noteFailure(REFUSED);
      await source.get();
    }
    expect(looks).toEqual([false, true, false, false]);
    await vi.advanceTimersByTimeAsync(LIMITS.upstream_credentials_renewal_ms_min);
    await source.get();
    await source.get();
    expect(looks.slice(4)).toEqual([true, false]);
  });

  it.each([
    [403, 'SignatureDoesNotMatch', 'No', true],
    [400, 'ExpiredToken', 'No', true],
    [400, 'InvalidToken', 'No', true],
    [401, 'Unauthorized', 'No', true],
    [403, 'AccessDenied', 'Forbidden: No such key: GK31', true],
    [403, 'AccessDenied', 'You may not', false],
    [404, 'NoSuchKey', 'No', false],
  ])('%i %s: %s', async (status, code, message, anew) => {
    const { looks, source } = answering();
    source.noteFailure(answerError(status, code, message));
    await source.get();
    expect(looks).toEqual([anew]);
  });
});

it('credentials that are there at once are given at once', () => {
  expect(createCredentialSource(() => KEYS).get()).toBe(KEYS);
});

it('a source without credentials denies access; one in trouble is unavailable', async () => {
  const failing = (error: unknown) => later(createCredentialSource(() => Promise.reject(error)));
  await failure(failing(new Error('Could not load credentials from any providers')), 'access_denied');
  await failure(failing(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })), 'unavailable');
  await failure(failing(new StoreError('access_denied', 'no file')), 'access_denied');
});
