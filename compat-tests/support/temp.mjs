import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param {string} name @returns {Promise<string>} a fresh folder; whoever asked removes it */
export function temporaryFolder(name) {
  return mkdtemp(join(tmpdir(), `backup-node-${name}-`));
}
