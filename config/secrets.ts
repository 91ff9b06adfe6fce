/** What must never be shown: decided by name, so that it holds for unknown and misspelt keys too. */
export const HIDDEN = '[hidden]';

const SECRET_NAME = /secret|token|password|passphrase|credential|private|authorization|cookie|signature/i;
/** Names that match, but hold no secret. */
const HARMLESS = new Set(['secret_key_env', 'signature_v2']);

/** Whether a value under this name, or below it, may be a secret. */
export function mayHoldSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS.has(name);
}

/** Whether the value under this name is a secret as a whole; in `shard_tokens` only some of it is. */
function isSecretName(name: string): boolean {
  return name !== 'shard_tokens' && mayHoldSecret(name);
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
