import { type Adapter, type ErrorKind, StoreError } from '../../contract/index.js';
import { type Around, aroundCalls, type Method } from '../around.js';

export interface Fault {
  readonly method: Method;
  readonly kind: ErrorKind;
  /** `before`: the call is not carried out; `after`: it is, and its answer is lost. */
  readonly when: 'before' | 'after';
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Fails calls by a script: each fault once, in order. Counts the calls. */
export function withFaults(inner: Adapter, script: readonly Fault[]) {
  const faults = [...script];
  const calls: Method[] = [];
  const fail = ({ kind, detail }: Fault) =>
    new StoreError(kind, 'injected', { subject: 'adapter', ...(detail && { detail }) });
  const around: Around = async (method, input, run) => {
    calls.push(method);
    const fault = faults[0]?.method === method ? faults.shift() : undefined;
    if (fault?.when === 'before') throw fail(fault);
    const result = await run(input);
    if (fault !== undefined) throw fail(fault);
    return result;
  };
  return { adapter: aroundCalls(inner, around), calls };
}
