/** The root key pair: from the environment, else from a file that the first start makes. */
import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type Environment, RESERVED_ENV } from '../../config/env.js';
import { readTextFile, writePrivateFile } from './private-file.js';

export interface KeyPair {
  readonly access_key: string;
  readonly secret_key: string;
}

export interface RootCredentials extends KeyPair {
  readonly source: 'environment' | 'file' | 'generated';
  /** The file; also where they come from the environment and it does not exist. */
  readonly file: string;
}

const ACCESS_KEY_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ACCESS_KEY_LENGTH = 20;
const SECRET_KEY_BYTES = 30;
const SECRET_KEY_LENGTH_MIN = 8;

export function generateKeyPair(): KeyPair {
  const letters = Array.from({ length: ACCESS_KEY_LENGTH - 2 }, () => ACCESS_KEY_LETTERS[randomInt(32)]);
  return {
    access_key: `BN${letters.join('')}`,
    secret_key: randomBytes(SECRET_KEY_BYTES).toString('base64url'),
  };
}

function fromEnvironment(env: Environment): KeyPair | undefined {
  const access_key = env[RESERVED_ENV.root_access_key];
  const secret_key = env[RESERVED_ENV.root_secret_key];
  if (!access_key && !secret_key) return undefined;
  if (!access_key || !secret_key) {
    throw new Error(
      `${RESERVED_ENV.root_access_key} and ${RESERVED_ENV.root_secret_key} belong together; give both or neither`,
    );
  }
  if (!/^[A-Za-z0-9_.-]{3,128}$/.test(access_key)) {
    throw new Error(
      `${RESERVED_ENV.root_access_key}: expected 3 to 128 letters, digits, \`_\`, \`.\` and \`-\``,
    );
  }
  if (secret_key.length < SECRET_KEY_LENGTH_MIN) {
    throw new Error(`${RESERVED_ENV.root_secret_key}: expected at least ${SECRET_KEY_LENGTH_MIN} characters`);
  }
  return { access_key, secret_key };
}

function fromFile(file: string): KeyPair | undefined {
  const text = readTextFile(file);
  if (text === undefined) return undefined;
  try {
    const { access_key, secret_key } = JSON.parse(text) as Partial<KeyPair>;
    if (typeof access_key === 'string' && typeof secret_key === 'string' && access_key && secret_key) {
      return { access_key, secret_key };
    }
  } catch {
    // The text may be a secret: it must not become part of a message.
  }
  throw new Error(
    `${file}: expected {"access_key": "…", "secret_key": "…"}; remove the file to have new ones generated`,
  );
}

export function openRootCredentials(storage_path: string, env: Environment): RootCredentials {
  const file = join(storage_path, 'credentials.json');
  const given = fromEnvironment(env);
  if (given) return { ...given, source: 'environment', file };
  const kept = fromFile(file);
  if (kept) return { ...kept, source: 'file', file };
  const fresh = generateKeyPair();
  writePrivateFile(file, `${JSON.stringify(fresh, null, 2)}\n`);
  return { ...fresh, source: 'generated', file };
}
