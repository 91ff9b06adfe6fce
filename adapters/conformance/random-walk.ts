import { describe, expect } from 'vitest';
import { bytesOf, createRandom, integerBetween } from './support/bytes.js';
import { at, deviates, expectBytes } from './support/expect.js';
import { get, type Harness, put, testWith } from './support/harness.js';
import { versionable } from './support/keys.js';
import { inByteOrder } from './support/listing.js';
import { putParts } from './support/multipart.js';

const STEPS = 250;
const STEPS_BETWEEN_CHECKS = 50;
const KEYS = ['a', 'a/', 'a/b', 'b', '\uffff', '\u{1f600}'];

/** What a key must hold, newest version first. */
interface ModelVersion {
  readonly version_id: string;
  /** Null for a delete marker. */
  readonly content: Uint8Array | null;
}

interface Walk {
  readonly harness: Harness;
  readonly bucket: string;
  readonly random: () => number;
  readonly keys: Map<string, ModelVersion[]>;
  versioning: 'unversioned' | 'enabled' | 'suspended';
}

/** Many random writes against a model of a few lines: finds what no one thought of. */
export function randomWalkTests(harness: Harness): void {
  describe('random walks', () => {
    for (const seed of [1, 2, 3]) {
      testWith(harness, 'versioning', `the store is what its history says (seed ${seed})`, async () => {
        const walk: Walk = {
          harness,
          bucket: await harness.bucket(),
          random: createRandom(seed),
          keys: new Map(versionable(harness, KEYS).map((key) => [key, []])),
          versioning: 'unversioned',
        };
        for (let step = 1; step <= STEPS; step++) {
          await takeStep(walk);
          if (step % STEPS_BETWEEN_CHECKS === 0) await check(walk);
        }
      });
    }
  });
}

async function takeStep(walk: Walk): Promise<void> {
  const key = pickKey(walk);
  const dice = walk.random();
  if (dice < 0.4) return write(walk, key);
  if (dice < 0.5) return copy(walk, key, pickKey(walk));
  if (dice < 0.7) return remove(walk, key);
  if (dice < 0.97) return removeVersion(walk, key);
  walk.versioning = walk.versioning === 'enabled' ? 'suspended' : 'enabled';
  await walk.harness.store.putVersioning({ bucket: walk.bucket, versioning: walk.versioning });
}

async function write(walk: Walk, key: string): Promise<void> {
  const { harness, bucket, random } = walk;
  const small = random() < 0.8;
  const content = bytesOf(integerBetween(random, 0, 9), small ? integerBetween(random, 0, 50) : 150_000);
  const in_parts = harness.store.capabilities.multipart && random() < 0.2;
  const info = in_parts
    ? await putParts(harness, bucket, key, [content])
    : await put(harness, bucket, key, content);
  record(walk, key, { version_id: info.version_id, content });
}

async function copy(walk: Walk, from: string, to: string): Promise<void> {
  const source = pick(walk, walk.keys.get(from) ?? []);
  if (source === undefined || source.content === null) return;
  const { info } = await walk.harness.store.copyObject({
    source: { bucket: walk.bucket, key: from, version_id: source.version_id },
    bucket: walk.bucket,
    key: to,
    replace_attributes: false,
    replace_tags: false,
  });
  record(walk, to, { version_id: info.version_id, content: source.content });
}

async function remove(walk: Walk, key: string): Promise<void> {
  const absent = (walk.keys.get(key)?.[0]?.content ?? null) === null;
  const { version_id } = await walk.harness.store.deleteObject({ bucket: walk.bucket, key });
  if (walk.versioning === 'unversioned') walk.keys.set(key, []);
  else if (absent && deviates(walk.harness.store, 'no_markers_of_absent_keys')) return;
  else record(walk, key, { version_id: version_id ?? 'none was told', content: null });
}

async function removeVersion(walk: Walk, key: string): Promise<void> {
  const versions = walk.keys.get(key) ?? [];
  const version = pick(walk, versions);
  if (version === undefined) return;
  const { version_id } = version;
  await walk.harness.store.deleteObject({ bucket: walk.bucket, key, version_id });
  walk.keys.set(
    key,
    versions.filter((other) => other !== version),
  );
}

/** Only while versioning is enabled do writes add to the versions; else they replace the null version. */
function record({ versioning, keys }: Walk, key: string, version: ModelVersion): void {
  const versions = keys.get(key) ?? [];
  const kept = versioning === 'enabled' ? versions : versions.filter((old) => old.version_id !== 'null');
  expect(version.version_id === 'null').toBe(versioning !== 'enabled');
  keys.set(key, [version, ...kept]);
}

async function check(walk: Walk): Promise<void> {
  await checkVersions(walk);
  await checkObjects(walk);
  await checkUsage(walk);
}

async function checkVersions({ harness, bucket, keys }: Walk): Promise<void> {
  const { entries } = await harness.store.listVersions({ bucket, limit: 1_000 });
  const listed = entries.map((entry) => (entry.type === 'item' ? entry.item : null));
  const expected = inByteOrder(keys.keys()).flatMap((key) =>
    (keys.get(key) ?? []).map(({ version_id, content }, index) => ({
      key,
      version_id,
      is_latest: index === 0,
      delete_marker: content === null,
      ...(content !== null && { size_bytes: content.length }),
    })),
  );
  expect(listed).toMatchObject(expected);
  for (const { key, version_id, delete_marker } of expected) {
    const content = keys.get(key)?.find((version) => version.version_id === version_id)?.content;
    if (!delete_marker && content) expectBytes(await get(harness, bucket, key, { version_id }), content);
  }
}

async function checkObjects({ harness, bucket, keys }: Walk): Promise<void> {
  const { entries } = await harness.store.listObjects({ bucket, limit: 1_000 });
  const listed = entries.map((entry) => (entry.type === 'item' ? entry.item.key : entry.prefix));
  const live = inByteOrder(keys.keys()).filter((key) => (keys.get(key)?.[0]?.content ?? null) !== null);
  expect(listed).toEqual(live);
  for (const key of live) {
    const content = keys.get(key)?.[0]?.content;
    if (content) expectBytes(await get(harness, bucket, key), content, key);
  }
}

async function checkUsage({ harness, bucket, keys }: Walk): Promise<void> {
  if (!harness.store.capabilities.usage) return;
  const all = [...keys.values()];
  const sizes = (versions: readonly (ModelVersion | undefined)[]) =>
    versions.flatMap((version) => (version?.content ? [version.content.length] : []));
  const latest = sizes(all.map((versions) => versions[0]));
  const stored = sizes(all.flat());
  const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
  expect(await harness.store.usage({ bucket })).toEqual({
    objects_count: latest.length,
    objects_bytes: sum(latest),
    versions_count: stored.length,
    stored_bytes: sum(stored),
  });
}

function pick<T>({ random }: Walk, list: readonly T[]): T | undefined {
  return list[integerBetween(random, 0, list.length - 1)];
}

function pickKey(walk: Walk): string {
  return at([...walk.keys.keys()], integerBetween(walk.random, 0, walk.keys.size - 1));
}
