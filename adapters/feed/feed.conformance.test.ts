import { afterAll, beforeAll, describe } from 'vitest';
import { capabilityTests } from '../conformance/capabilities.js';
import { changeTests } from '../conformance/changes.js';
import { createHarness } from '../conformance/support/harness.js';
import { openFeedBench } from './testing/with-feed.js';

/** The local adapter in the place of an upstream: its own feed is hidden, the journal's is tested. */
describe('a journal over an upstream keeps the adapter contract', () => {
  const harness = createHarness(async () => {
    const bench = await openFeedBench();
    await bench.feed().settled();
    return { adapter: bench.feed().adapter, close: () => bench.close() };
  });
  beforeAll(() => harness.start());
  afterAll(() => harness.stop());
  capabilityTests(harness);
  changeTests(harness);
});
