/**
 * Manifests whose parts are being sent right now. A long download may outlast the grace period of garbage, so what it
 * still has to open must not be removed under it.
 */
export interface Pins {
  /** Returns how to let go; further calls of that do nothing. */
  take(manifest_id: number): () => void;
  has(manifest_id: number): boolean;
}

export function createPins(): Pins {
  const counts = new Map<number, number>();
  return {
    take(manifest_id) {
      counts.set(manifest_id, (counts.get(manifest_id) ?? 0) + 1);
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        const left = (counts.get(manifest_id) ?? 1) - 1;
        if (left === 0) counts.delete(manifest_id);
        else counts.set(manifest_id, left);
      };
    },
    has: (manifest_id) => counts.has(manifest_id),
  };
}
