/** What must never be shown: decided by name, so that it holds for unknown and misspelt keys too. */
export const HIDDEN = '[hidden]';

const SECRET_NAME = /secret|token|password|passphrase|credential|private|authorization|cookie|signature/i;
/** Names that match, but hold no secret. */
const HARMLESS = new Set(['shard_tokens', 'secret_key_env', 'signature_v2']);

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS.has(name);
}

function isPlainObject(value: unknown): value is object {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A deep copy with every secret that is set replaced. */
export function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isSecretName(name) && item !== null && item !== undefined ? HIDDEN : hideSecrets(item),
    ]),
  );
}
