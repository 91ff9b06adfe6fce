/** What was read of the upstream, believed for a moment: by every request of this node, whatever others do meanwhile. */
export interface Brief<Value> {
  /** As it is known, or read now. A failed reading is not remembered. */
  get(key: string): Promise<Value>;
  /** Before and after it is changed here: what is being read meanwhile may be either. */
  forget(key: string): void;
}

export interface BriefOptions<Value> {
  readonly read: (key: string) => Promise<Value>;
  readonly kept_ms: number;
  readonly entries_max: number;
}

interface Known<Value> {
  readonly value: Promise<Value>;
  readonly until_ms: number;
}

export function createBrief<Value>({ read, kept_ms, entries_max }: BriefOptions<Value>): Brief<Value> {
  const known = new Map<string, Known<Value>>();
  return {
    get(key) {
      const now_ms = performance.now();
      const cached = known.get(key);
      if (cached !== undefined && cached.until_ms > now_ms) return cached.value;
      if (known.size >= entries_max) known.clear();
      const entry = { value: read(key), until_ms: now_ms + kept_ms };
      known.set(key, entry);
      entry.value.catch(() => {
        if (known.get(key) === entry) known.delete(key);
      });
      return entry.value;
    },
    forget(key) {
      known.delete(key);
    },
  };
}
