import { afterAll } from 'vitest';
import { describeAdapter, describeIntegrity } from '../../adapters/conformance/suite.js';
import { type AdapterEntry, openAdapter } from '../../adapters/open.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startGarage } from '../support/garage.mjs';
import { DECORATORS, newFolder, RECODING, removeFolders } from './decorators.js';
import { entryOf, startMinioUpstream } from './entries.js';

afterAll(removeFolders);

/** Nothing of the contract is lost on the way through a decorator. */
function conformance(
  decorators: typeof DECORATORS,
  over: string,
  entry: () => AdapterEntry | Promise<AdapterEntry>,
  describeIt: typeof describeAdapter | typeof describeIntegrity = describeAdapter,
): void {
  for (const [name, options] of Object.entries(decorators)) {
    describeIt(`${name} over ${over}`, async () => {
      const adapter = await openAdapter({ ...(await entry()), decorators: await options() });
      return { adapter, close: () => adapter.close() };
    });
  }
}

/** Each alone; `npm test` has one run of all that leave contents as they are together, and one of encryption. */
conformance(DECORATORS, 'the local adapter', async () => {
  const on_fatal = (error: unknown) => {
    throw error;
  };
  return { type: 'local', name: 'disk', path: await newFolder('local'), on_fatal };
});

describeUpstream('minio', startMinioUpstream, (upstream) => {
  /** A server that answers when it likes. */
  conformance(DECORATORS, 'the minio adapter', () => entryOf('minio', 'minio', upstream()));

  /** A provider without checksums: bodies are verified all the same. What recodes contents keeps checksums itself. */
  const over_generic = { 'nothing else': () => ({}), ...RECODING };
  const generic = () => entryOf('s3', 'generic', upstream());
  conformance(over_generic, 'a generic upstream', generic, describeIntegrity);
});

/** A server with the shortest keys, in which records of parts have to find room, and without conditions. */
describeUpstream('garage', startGarage, (upstream) =>
  conformance(RECODING, 'the s3 adapter over garage', () => entryOf('s3', 'garage', upstream())),
);
