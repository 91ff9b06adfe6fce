import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

export interface TlsFiles {
  readonly certificate_file: string;
  readonly key_file: string;
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(
      `${what} ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    );
  }
}

/** Reads and tries out certificate and key, so that a bad pair fails here and not at the first connection. */
export function readTlsMaterial(files: TlsFiles): TlsMaterial {
  const material = {
    cert: read(files.certificate_file, 'tls.certificate_file'),
    key: read(files.key_file, 'tls.key_file'),
  };
  try {
    createSecureContext(material);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `tls: ${files.certificate_file} and ${files.key_file} cannot be used together (${reason})`,
    );
  }
  return material;
}

/** SHA-256 of the certificate that is shown: of a chain, the first. */
export function fingerprintOf({ cert }: TlsMaterial): string {
  return new X509Certificate(cert).fingerprint256;
}
