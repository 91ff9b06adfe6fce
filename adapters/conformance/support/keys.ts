import { keyProblem } from '../../key-rules.js';
import { deviates } from './expect.js';
import type { Harness } from './harness.js';

/** Those of the keys that the store can hold side by side, all of them where it declares no rules. */
export function storable({ store }: Harness, keys: readonly string[]): string[] {
  const rules = store.capabilities.keys;
  if (rules === undefined) return [...keys];
  const taken: string[] = [];
  for (const key of keys) {
    if (keyProblem(rules, key) !== undefined) continue;
    if (rules.nested || !taken.some((other) => liesUnder(key, other) || liesUnder(other, key)))
      taken.push(key);
  }
  return taken;
}

/** Those of the storable keys whose versions behave like any. */
export function versionable(harness: Harness, keys: readonly string[]): string[] {
  const held = storable(harness, keys);
  const { store } = harness;
  const folders = !deviates(store, 'folders_without_versions');
  const odd = !deviates(store, 'null_markers_of_odd_keys_stay');
  return held.filter((key) => (folders || !key.endsWith('/')) && (odd || !key.includes('\uffff')));
}

function liesUnder(key: string, folder: string): boolean {
  return (
    key !== folder && key.startsWith(folder.endsWith('/') ? folder : `${folder}/`) && !folder.endsWith('/')
  );
}
