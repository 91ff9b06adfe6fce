/** Rules of the tree that no linter knows: who may import whom, how long a file may be, and that there are no cycles. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, type JsonSchema } from '../config/schema.js';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const FILE_LINES_MAX = 400;

/** Folder (longest match wins) → the folders of ours that it may import. Each may import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  config: [],
  'src/wire': [],
  adapters: ['config', 'src/wire'],
  'src/state': ['config', 'src/wire'],
  'src/access': ['config', 'src/wire', 'src/state'],
  'src/objects': ['config', 'src/wire', 'src/state', 'adapters'],
  'src/http': ['config', 'src/wire'],
  'src/s3': ['config', 'src/wire', 'src/access', 'src/http', 'src/objects', 'adapters'],
  'src/shards': [
    'config',
    'src/wire',
    'src/access',
    'src/http',
    'src/objects',
    'src/nodes',
    'src/state',
    'adapters',
  ],
  'src/nodes': ['config', 'src/wire', 'src/state'],
  'src/upkeep': ['config', 'src/wire', 'src/state', 'src/objects', 'adapters'],
  'src/client': [],
  'src/control': ['config', 'src/access', 'src/http', 'src/nodes', 'src/objects', 'src/upkeep', 'adapters'],
  'compat-tests': [],
  // Conformance runs over servers of others open our adapters.
  'compat-tests/adapters': ['compat-tests', 'adapters'],
};

/** Packages that only one place may know. */
const PACKAGE_HOMES: Record<string, readonly string[]> = {
  lmdb: ['adapters/local', 'src/state'],
  'fast-xml-parser': ['src/wire/xml.ts'],
  '@aws-sdk/': ['adapters/s3', 'compat-tests'],
  minio: ['adapters/minio', 'compat-tests'],
  'prom-client': ['src/http'],
  commander: ['src/cli', 'src/main.ts'],
};

interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly packages: readonly string[];
  readonly imports: readonly string[];
  /** Without `import type`: types alone make no cycle when the program runs. */
  readonly value_imports: readonly string[];
}

function isTest(path: string): boolean {
  return /\.test\.ts$|\/testing\/|^adapters\/conformance\//.test(path);
}

function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules'));
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const found = [
    ...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\bimport\((\s*)['"]([^'"]+)['"]/g),
  ].map((match) => ({ type_only: match[1] === 'type ', target: match[2] ?? '' }));
  const local = found.filter(({ target }) => target.startsWith('.'));
  const toPath = ({ target }: { target: string }) =>
    posix.join(posix.dirname(path), target).replace(/(?<!hash-worker)\.js$/, '.ts');
  return {
    path,
    lines: text.split('\n').length - 1,
    packages: found
      .map(({ target }) => target)
      .filter((target) => !target.startsWith('.') && !target.startsWith('node:')),
    imports: local.map(toPath),
    value_imports: local.filter(({ type_only }) => !type_only).map(toPath),
  };
}

function folderRule(path: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((folder) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): string[] | null => {
    const seen_at = trail.indexOf(node);
    if (seen_at >= 0) return [...trail.slice(seen_at), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...trail, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return null;
}

/** The keys of the configuration, joined by dots, down to what holds no further fixed keys. */
function configKeys(schema: JsonSchema, path = ''): string[] {
  const { properties } = schema as { properties?: Record<string, JsonSchema> };
  if (properties === undefined) return [path];
  return Object.entries(properties).flatMap(([name, below]) =>
    configKeys(below, path === '' ? name : `${path}.${name}`),
  );
}

const FILES = ['src', 'adapters', 'config', 'compat-tests'].flatMap(listFiles).map(readSource);

describe('the tree', () => {
  it('is being looked at', () => {
    expect(FILES.length).toBeGreaterThan(50);
    expect(FILES.some((file) => file.imports.length > 0)).toBe(true);
  });

  it(`has no file above ${FILE_LINES_MAX} lines`, () => {
    expect(
      FILES.filter((file) => file.lines > FILE_LINES_MAX).map((file) => `${file.path}: ${file.lines}`),
    ).toEqual([]);
  });

  it('imports downwards only', () => {
    const wrong = FILES.filter((file) => !isTest(file.path)).flatMap((file) => {
      const folder = folderRule(file.path);
      if (folder === undefined) return [];
      const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
      return file.imports
        .filter((target) => !allowed.some((home) => target.startsWith(`${home}/`)))
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('imports nothing of tests into the product', () => {
    const wrong = FILES.filter(
      (file) => !isTest(file.path) && !file.path.startsWith('compat-tests/'),
    ).flatMap((file) => file.imports.filter(isTest).map((target) => `${file.path} imports ${target}`));
    expect(wrong).toEqual([]);
  });

  it('keeps each special package in its one place', () => {
    const wrong = FILES.filter((file) => !isTest(file.path)).flatMap((file) =>
      file.packages
        .filter((name) =>
          Object.entries(PACKAGE_HOMES).some(
            ([special, homes]) =>
              (name === special || (special.endsWith('/') && name.startsWith(special))) &&
              !homes.some((home) => file.path === home || file.path.startsWith(`${home}/`)),
          ),
        )
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no import cycles', () => {
    const graph = new Map(FILES.map((file) => [file.path, file.value_imports] as const));
    expect(findCycle(graph)).toBeNull();
  });

  it('is described in ARCHITECTURE.md, folder by folder', () => {
    const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
    const folders = new Set(
      FILES.map((file) => file.path.split('/').slice(0, 2).join('/')).filter((p) => !p.includes('.')),
    );
    expect(
      [...folders].filter((folder) => !folder.startsWith('compat-tests') && !text.includes(folder)),
    ).toEqual([]);
  });

  it('has every key of the configuration in README.md', () => {
    const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const keys = configKeys(configJsonSchema()).filter((key) => key !== '$schema');
    expect(keys.length).toBeGreaterThan(40);
    expect(keys.filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
  });

  it('has at most 15 runtime dependencies, each with its reason in ARCHITECTURE.md', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const names = Object.keys(manifest.dependencies);
    const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
    expect(names.length).toBeLessThanOrEqual(15);
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});
