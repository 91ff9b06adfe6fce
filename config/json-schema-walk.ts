/** Questions about the configuration's JSON Schema: which keys and which types stand at a path. */
import type { JsonSchema } from './schema.js';
import { isTree, type Path } from './tree.js';

function asSchema(value: unknown): JsonSchema | undefined {
  return isTree(value) ? value : undefined;
}

/** The schema itself and the alternatives of `anyOf`/`oneOf`. */
function alternatives(schema: JsonSchema): JsonSchema[] {
  const nested = [schema.anyOf, schema.oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
  return [schema, ...nested.flatMap((item) => (isTree(item) ? alternatives(item) : []))];
}

function childrenAt(schema: JsonSchema, step: string | number): JsonSchema[] {
  return alternatives(schema).flatMap((one) => {
    const properties = asSchema(one.properties);
    const child =
      typeof step === 'number'
        ? asSchema(one.items)
        : properties && Object.hasOwn(properties, step)
          ? asSchema(properties[step])
          : asSchema(one.additionalProperties);
    return child ? [child] : [];
  });
}

function schemasAt(root: JsonSchema, path: Path): JsonSchema[] {
  let at = [root];
  for (const step of path) at = at.flatMap((schema) => childrenAt(schema, step));
  return at.flatMap(alternatives);
}

/** Names that may stand below `path`. */
export function knownKeys(root: JsonSchema, path: Path): string[] {
  const names = schemasAt(root, path).flatMap((schema) => Object.keys(asSchema(schema.properties) ?? {}));
  return [...new Set(names)];
}

/** JSON Schema type names allowed at `path`; empty when nothing may stand there. */
export function typesAt(root: JsonSchema, path: Path): Set<string> {
  return new Set(
    schemasAt(root, path)
      .flatMap((schema) => schema.type ?? [])
      .filter((type) => typeof type === 'string'),
  );
}

/** Every path of named keys down the tree, e.g. `s3.region`. */
export function allKeyPaths(root: JsonSchema, prefix: readonly string[] = []): string[][] {
  return Object.entries(asSchema(root.properties) ?? {}).flatMap(([name, child]) => {
    const path = [...prefix, name];
    return isTree(child) ? [path, ...allKeyPaths(child, path)] : [path];
  });
}
