import { LIMITS } from '../../config/limits.js';
import { isStoreError, isTransient, StoreError } from '../contract/index.js';
import { TOO_LATE, within } from '../within.js';
import { orAborted } from './abortable.js';
import { sdkChain } from './credential-chain.js';
import { isCredentialRefusal, toStoreError } from './errors.js';
import type { CredentialProvider, MaybeLater, S3AdapterOptions, UpstreamCredentials } from './options.js';

/** The credentials of an upstream, for all who ask it. */
export interface CredentialSource {
  /**
   * As the provider has them now. Fails with `unavailable` when it does not answer in time, with the reason of the signal
   * when that aborts, else with `access_denied`.
   */
  get(signal?: AbortSignal): MaybeLater<UpstreamCredentials>;
  /** Told of each failure. Where the upstream does not know the credentials, the provider looks for others. */
  noteFailure(error: unknown): void;
}

export function credentialSource({
  credentials,
  region,
}: Pick<S3AdapterOptions, 'credentials' | 'region'>): CredentialSource {
  return createCredentialSource(credentials ?? sdkChain(region));
}

interface Lookup {
  readonly answer: Promise<UpstreamCredentials>;
  /** From then on it is not waited for any more. */
  readonly given_up_at_ms: number;
}

/**
 * One look-up at a time. One that has no answer in time fails for whoever asks meanwhile, at once: a process or a service
 * that hangs is not started or asked again by each call.
 */
export function createCredentialSource(provide: CredentialProvider): CredentialSource {
  let lookup: Lookup | undefined;
  let doubted = false;
  let renewed_at_ms = Number.NEGATIVE_INFINITY;

  function ask(anew: boolean): Lookup | UpstreamCredentials {
    if (anew) {
      doubted = false;
      renewed_at_ms = performance.now();
    }
    const work = provide({ anew });
    if (!(work instanceof Promise)) return work;
    const begun: Lookup = {
      answer: inTime(work),
      given_up_at_ms: performance.now() + LIMITS.upstream_credentials_given_up_ms,
    };
    const end = () => {
      if (lookup === begun) lookup = undefined;
    };
    work.then(end, end);
    lookup = begun;
    return begun;
  }

  return {
    get(signal) {
      const hangs = lookup !== undefined && lookup.given_up_at_ms <= performance.now();
      const renews =
        doubted && performance.now() - renewed_at_ms >= LIMITS.upstream_credentials_renewal_ms_min;
      const found = lookup === undefined || hangs ? ask(hangs || renews) : lookup;
      return 'answer' in found ? orAborted(found.answer, signal) : found;
    },
    noteFailure(error) {
      doubted ||= isCredentialRefusal(toStoreError(error));
    },
  };
}

async function inTime(work: Promise<UpstreamCredentials>): Promise<UpstreamCredentials> {
  try {
    const answer = await within(LIMITS.upstream_credentials_wait_ms_max, work);
    if (answer !== TOO_LATE) return answer;
  } catch (cause) {
    throw failureOf(cause);
  }
  throw new StoreError('unavailable', 'the credentials for the upstream did not come in time', {
    subject: 'adapter',
  });
}

/** Without the details of the answer, which was no answer of the upstream. */
function failureOf(cause: unknown): StoreError {
  if (isStoreError(cause)) return cause;
  const error = toStoreError(cause);
  const kind = isTransient(error) ? error.kind : 'access_denied';
  const message = `no credentials for the upstream: ${error.message}`;
  return new StoreError(kind, message, { subject: 'adapter', cause });
}
