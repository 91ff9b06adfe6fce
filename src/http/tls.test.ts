import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDoor } from './door.js';
import { FIRST_CERTIFICATE, FIRST_KEY, SECOND_CERTIFICATE, SECOND_KEY } from './testing/certificates.js';
import { readTlsMaterial, type TlsFiles } from './tls.js';

let folder: string;
let files: TlsFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-'));
  files = { certificate_file: join(folder, 'node.crt'), key_file: join(folder, 'node.key') };
  writeFileSync(files.certificate_file, FIRST_CERTIFICATE);
  writeFileSync(files.key_file, FIRST_KEY);
});

afterEach(() => rmSync(folder, { recursive: true }));

async function connectTo(port: number): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

const shown = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256;
const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;

describe('TLS', () => {
  it('shows a new certificate to new connections and keeps the open ones', async () => {
    const door = createDoor({ name: 'test', tls: readTlsMaterial(files) });
    door.serverFactory((_request, response) => response.end('ok'));
    const { url, port } = await door.listen({ host: '127.0.0.1', port: 0 });
    expect(url).toBe(`https://127.0.0.1:${port}`);
    const before = await connectTo(port);
    expect(shown(before)).toBe(fingerprint(FIRST_CERTIFICATE));

    writeFileSync(files.certificate_file, SECOND_CERTIFICATE);
    writeFileSync(files.key_file, SECOND_KEY);
    door.setTls(readTlsMaterial(files));
    const after = await connectTo(port);
    expect(shown(after)).toBe(fingerprint(SECOND_CERTIFICATE));
    expect(await ask(before)).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask(after)).toMatch(/^HTTP\/1.1 200 /);
    const closed = [before, after].map((socket) => once(socket.resume(), 'end'));
    expect(await door.drain(5_000)).toEqual({ cut_requests: 0 });
    await Promise.all(closed);
  });

  it('refuses files that cannot be used, by name', () => {
    writeFileSync(files.key_file, SECOND_KEY);
    expect(() => readTlsMaterial(files)).toThrow(/node\.crt and .*node\.key cannot be used together/);
    rmSync(files.key_file);
    expect(() => readTlsMaterial(files)).toThrow(/tls\.key_file .*node\.key cannot be read \(ENOENT\)/);
  });
});
