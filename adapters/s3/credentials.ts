import { readFile, stat } from 'node:fs/promises';
import { StoreError } from '../contract/index.js';
import type { CredentialProvider, UpstreamCredentials } from './options.js';

/** A file `{"access_key", "secret_key", "session_token"?}`, read again when it changes: keys are rotated without a restart. */
export function credentialsFromFile(path: string): CredentialProvider {
  let known: { readonly credentials: UpstreamCredentials; readonly version: string } | undefined;
  return async () => {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (known?.version !== version) known = { version, credentials: parse(await readFile(path, 'utf8')) };
      return known.credentials;
    } catch (cause) {
      // While a file is being replaced, the keys that it had are as good as any.
      if (known !== undefined) return known.credentials;
      throw new StoreError('access_denied', `no credentials in ${path}`, { subject: 'adapter', cause });
    }
  };
}

function parse(text: string): UpstreamCredentials {
  const { access_key, secret_key, session_token } = JSON.parse(text) as Record<string, unknown>;
  if (typeof access_key !== 'string' || typeof secret_key !== 'string') {
    throw new Error('access_key and secret_key are wanted');
  }
  return {
    accessKeyId: access_key,
    secretAccessKey: secret_key,
    ...(typeof session_token === 'string' ? { sessionToken: session_token } : {}),
  };
}
