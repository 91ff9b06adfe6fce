/** What must never be shown: decided by name, so that it holds for unknown and misspelt keys too. */
export const HIDDEN = '[hidden]';

const SECRET_NAME = /secret|token|password|passphrase|credential|private/i;
/** Names that match, but hold no secret. */
const HARMLESS = new Set(['shard_tokens', 'secret_key_env', 'sha256']);

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS.has(name);
}

/** A deep copy with every secret that is set replaced. */
export function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isSecretName(name) && item !== null && item !== undefined ? HIDDEN : hideSecrets(item),
    ]),
  );
}
