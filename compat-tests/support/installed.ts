import { describe, inject, test } from 'vitest';

/**
 * Where a client program is. Undefined where it is missing: then a test of that name is skipped with the reason; with
 * CI=true it fails.
 */
export function installedPath(tool: string, name?: string): string | undefined {
  const entry = inject('installed')[tool];
  if (entry !== undefined && 'path' in entry) return entry.path;
  const reason = `${tool} is not installed: ${entry?.reason ?? 'not asked for'}`;
  const missing = process.env.CI === 'true' ? test : test.skip;
  missing(name === undefined ? reason : `${name}: ${reason}`, () => {
    throw new Error(reason);
  });
  return undefined;
}

/** A `describe` that needs a program. */
export function describeInstalled(tool: string, name: string, body: (path: string) => void): void {
  const path = installedPath(tool, name);
  if (path !== undefined) describe(name, () => body(path));
}
