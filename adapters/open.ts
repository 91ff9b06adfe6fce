import { checked } from './checked.js';
import type { Adapter } from './contract/index.js';
import { type DecoratorOptions, decorated } from './decorators/stack.js';
import { type OpenLocalAdapterOptions, openLocalAdapter } from './local/open-local-adapter.js';

/** One entry of the configuration's `adapters`, under its name. */
export type AdapterEntry = { readonly type: 'local' } & OpenLocalAdapterOptions & {
    readonly decorators?: DecoratorOptions;
  };

/**
 * Opens the adapter that an entry names, with its decorators around it and `checked` outermost, so that none of them
 * sees a request that its adapter could not answer.
 */
export async function openAdapter(entry: AdapterEntry): Promise<Adapter> {
  const { type, decorators = {}, ...options } = entry;
  switch (type) {
    case 'local':
      return checked(await decorated(await openLocalAdapter(options), decorators));
  }
}
