/** What is wrong with a configuration, in words: the key, the value (never a secret's) and what would be right. */
import type { z } from 'zod';
import { allKeyPaths, knownKeys } from './json-schema-walk.js';
import { configJsonSchema, type JsonSchema } from './schema.js';
import { HIDDEN, mayHoldSecret } from './secrets.js';
import { suggest } from './suggest.js';
import { formatPath, getIn, type Path } from './tree.js';

const VALUE_CHARACTERS_MAX = 80;

function isSecretPath(path: Path): boolean {
  return path.some((step) => typeof step === 'string' && mayHoldSecret(step));
}

function showValue(path: Path, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (isSecretPath(path)) return HIDDEN;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
}

function toPath(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

/** Text in place of a list or an object may be JSON that went wrong, with secrets in it. */
function wantsContainer(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && ['array', 'object', 'record'].includes(issue.expected);
}

function wanted(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}`}`;
    case 'invalid_value':
      return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_format':
      return `expected ${issue.message}`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';
}

function unknownKey(schema: JsonSchema, parent: Path, key: string): string {
  const known = knownKeys(schema, parent);
  const near = suggest(key, known);
  const elsewhere = allKeyPaths(schema).find((path) => path.at(-1) === key);
  const hint = near
    ? `did you mean \`${formatPath([...parent, near])}\`?`
    : elsewhere
      ? `did you mean \`${elsewhere.join('.')}\`?`
      : `known here: ${known.join(', ')}`;
  return `${formatPath([...parent, key])}: unknown key; ${hint}`;
}

/** One line for each problem; `origin` names the flag, variable or file a path came from. */
export function describeProblems(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  origin: (path: Path) => string,
): string[] {
  const schema = configJsonSchema();
  return issues.flatMap((issue) => {
    const path = toPath(issue.path);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${unknownKey(schema, path, key)} (${origin([...path, key])})`);
    }
    if (issue.code === 'invalid_key') {
      const reason = issue.issues.map(wanted).join(', ');
      return [`${formatPath(path)}: this name is not allowed; ${reason} (${origin(path)})`];
    }
    if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
      const at = [
        ...path.slice(0, path.at(-1) === issue.discriminator ? -1 : undefined),
        issue.discriminator,
      ];
      return [
        `${formatPath(at)}: ${showValue(at, getIn(input, at))} is not allowed; expected "local", "s3" or "minio" (${origin(at)})`,
      ];
    }
    const value = getIn(input, path);
    const shown = typeof value === 'string' && wantsContainer(issue) ? 'a text' : showValue(path, value);
    return [`${formatPath(path)}: ${shown} is not allowed; ${wanted(issue)} (${origin(path)})`];
  });
}
