import type { TestProject } from 'vitest/node';
import { type Installed, installClients } from '../install/install.mjs';
import { buildNode } from './build.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    installed: Record<string, Installed>;
  }
}

/** Builds the node and brings the client programs before the first test. */
export async function setup(project: TestProject): Promise<void> {
  if (process.env.COMPAT_SERVER !== 'minio') await buildNode();
  const installed = await installClients({ log: (line) => console.log(`client ${line}`) });
  project.provide('installed', installed);
}
