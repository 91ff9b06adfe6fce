import { checked } from './checked.js';
import type { Adapter } from './contract/index.js';
import { type DecoratorOptions, decorated } from './decorators/stack.js';
import { type OpenLocalAdapterOptions, openLocalAdapter } from './local/open-local-adapter.js';
import type { S3AdapterOptions } from './s3/options.js';

interface Decorated {
  readonly decorators?: DecoratorOptions;
}

export type LocalEntry = { readonly type: 'local' } & OpenLocalAdapterOptions & Decorated;
export type RemoteEntry = { readonly type: 's3' | 'minio' } & S3AdapterOptions & Decorated;

/** One entry of the configuration's `adapters`, under its name. */
export type AdapterEntry = LocalEntry | RemoteEntry;

/**
 * Opens the adapter that an entry names, with its decorators around it and `checked` outermost, so that none of them
 * sees a request that its adapter could not answer.
 */
export async function openAdapter(entry: AdapterEntry): Promise<Adapter> {
  return checked(await decorated(await openBare(entry), entry.decorators ?? {}));
}

async function openBare({ decorators: _decorators, ...entry }: AdapterEntry): Promise<Adapter> {
  switch (entry.type) {
    case 'local':
      return openLocalAdapter(entry);
    case 's3':
    case 'minio': {
      // A node without upstreams does not load the SDK.
      const { openS3Adapter } = await import('./s3/open-s3-adapter.js');
      return openS3Adapter(entry);
    }
  }
}
