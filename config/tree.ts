/** Plain objects as trees: the raw layers of a configuration before they are validated. */
export type Tree = { [key: string]: unknown };
export type Path = readonly (string | number)[];

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function getIn(tree: unknown, path: Path): unknown {
  let at = tree;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/** Own property whatever its name: `__proto__` becomes an unknown key to be refused, not a prototype. */
function setOwn(tree: Tree, key: string, value: unknown): void {
  Object.defineProperty(tree, key, { value, writable: true, enumerable: true, configurable: true });
}

export function setIn(tree: Tree, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    setOwn(tree, head, value);
    return;
  }
  const existing = getIn(tree, [head]);
  const child: Tree = isTree(existing) ? existing : {};
  setOwn(tree, head, child);
  setIn(child, rest, value);
}

/** Later layers win; objects are merged, everything else is replaced. */
export function mergeTrees(...layers: readonly Tree[]): Tree {
  const merged: Tree = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const below = getIn(merged, [key]);
      setOwn(merged, key, isTree(value) ? mergeTrees(isTree(below) ? below : {}, value) : value);
    }
  }
  return merged;
}

export function formatPath(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}
