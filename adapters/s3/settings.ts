import { readFileSync } from 'node:fs';
import { providerOf } from '../../config/effective.js';
import { ConfigError } from '../../config/load.js';
import type { AdapterConfig } from '../../config/schema.js';
import { credentialsFromFile } from './credentials.js';
import type { S3AdapterOptions } from './options.js';

export type RemoteSettings = Extract<AdapterConfig, { type: 's3' | 'minio' }>;
type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_REGION = 'us-east-1';

/** What the configuration says of an upstream. Throws ConfigError for keys and files that are not there. */
export function s3Options(name: string, settings: RemoteSettings, env: Environment): S3AdapterOptions {
  const { endpoint, fallback_endpoints, region, path_style, ca_file, documents_bucket, capabilities } =
    settings;
  const { connect_timeout_ms, answer_timeout_ms, slow_answer_timeout_ms: slow } = settings;
  const credentials = credentialsOf(name, settings, env);
  return {
    name,
    region: region ?? DEFAULT_REGION,
    provider: providerOf(settings),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(fallback_endpoints === undefined ? {} : { fallback_endpoints }),
    ...(path_style === undefined ? {} : { path_style }),
    ...(ca_file === undefined ? {} : { ca: readCa(name, ca_file) }),
    ...(connect_timeout_ms === undefined ? {} : { connect_timeout_ms }),
    ...(answer_timeout_ms === undefined ? {} : { headers_timeout_ms: answer_timeout_ms }),
    ...(slow === undefined ? {} : { slow_headers_timeout_ms: slow }),
    ...(documents_bucket === undefined ? {} : { documents_bucket }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** Undefined: those that the AWS SDK finds in the environment, in its files, or from the machine it runs on. */
function credentialsOf(
  name: string,
  settings: RemoteSettings,
  env: Environment,
): S3AdapterOptions['credentials'] {
  const { access_key, secret_key, secret_key_env, credentials_file } = settings;
  if (credentials_file !== undefined) return credentialsFromFile(credentials_file);
  if (access_key === undefined) return undefined;
  const secret = secret_key ?? (secret_key_env === undefined ? undefined : env[secret_key_env]);
  if (secret === undefined || secret === '') {
    const wanted =
      secret_key_env === undefined
        ? 'secret_key or secret_key_env'
        : `the environment variable ${secret_key_env}`;
    throw new ConfigError([`adapters.${name}: access_key is given, but ${wanted} is missing`]);
  }
  const given = { accessKeyId: access_key, secretAccessKey: secret };
  return () => given;
}

function readCa(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new ConfigError([`adapters.${name}.ca_file: ${file} cannot be read`]);
  }
}
