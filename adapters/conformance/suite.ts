import { afterAll, beforeAll, describe } from 'vitest';
import { bucketTests } from './buckets.js';
import { capabilityTests } from './capabilities.js';
import { changeTests } from './changes.js';
import { checksumTests } from './checksums.js';
import { complianceTests } from './compliance.js';
import { conditionTests } from './conditions.js';
import { copyTests } from './copy.js';
import { deleteTests } from './delete.js';
import { documentTests } from './documents.js';
import { lentBodyTests } from './lent-bodies.js';
import { listObjectsTests } from './list-objects.js';
import { multipartTests } from './multipart.js';
import { multipartChecksumTests } from './multipart-checksums.js';
import { multipartCompleteTests } from './multipart-complete.js';
import { multipartCopyTests } from './multipart-copy.js';
import { multipartListingTests } from './multipart-listing.js';
import { putAndGetTests } from './put-and-get.js';
import { randomWalkTests } from './random-walk.js';
import { rangeTests } from './ranges.js';
import { createHarness, type Harness, type OpenAdapter } from './support/harness.js';
import { tagsAndLocksTests } from './tags-and-locks.js';
import { usageTests } from './usage.js';
import { verifyTests } from './verify.js';
import { versionTests } from './versions.js';

const CLEAN_UP_MS_MAX = 120_000;

/**
 * Every promise of the adapter contract, as tests. What the adapter declares in `capabilities` must work; what it
 * does not declare must be refused through `checked`. All buckets are named anew and removed afterwards, so the store
 * may be a server that others use at the same time.
 */
export function describeAdapter(name: string, open: OpenAdapter): void {
  describeGroups(`${name} keeps the adapter contract`, open, (harness) => {
    const compliance = complianceTests(harness);
    return [
      capabilityTests,
      compliance.holds,
      bucketTests,
      putAndGetTests,
      lentBodyTests,
      checksumTests,
      conditionTests,
      rangeTests,
      deleteTests,
      copyTests,
      listObjectsTests,
      versionTests,
      tagsAndLocksTests,
      multipartTests,
      multipartCompleteTests,
      multipartChecksumTests,
      multipartCopyTests,
      multipartListingTests,
      documentTests,
      usageTests,
      changeTests,
      verifyTests,
      randomWalkTests,
      compliance.ends,
    ];
  });
}

/** What is said of bytes alone, for a server that has rules for keys which its provider does not tell of. */
export function describeIntegrity(name: string, open: OpenAdapter): void {
  describeGroups(`${name} keeps what it says of bytes`, open, () => [
    capabilityTests,
    putAndGetTests,
    checksumTests,
    copyTests,
    multipartTests,
    multipartChecksumTests,
    multipartCopyTests,
    verifyTests,
  ]);
}

type Group = (harness: Harness) => void;

function describeGroups(name: string, open: OpenAdapter, groupsOf: (harness: Harness) => Group[]): void {
  const harness = createHarness(open);
  describe(name, () => {
    beforeAll(() => harness.start());
    afterAll(() => harness.stop(), CLEAN_UP_MS_MAX);
    for (const group of groupsOf(harness)) group(harness);
  });
}
