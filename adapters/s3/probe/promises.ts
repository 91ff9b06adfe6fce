import { CHECKSUM_ALGORITHMS } from '../../../src/wire/checksums.js';
import type { Capabilities, Deviation, KeyRules } from '../../contract/index.js';
import type { Habits } from '../providers.js';

/** What is declared of an upstream, or was seen of it. Undefined: could not be tried. */
export type Value = boolean | number | undefined;

/**
 * One line of the comparison. `ability`: true is more than false; `most` and `least`: a bound that must not be narrower
 * than declared; `allowance`: a departure from S3, of which none is more.
 */
export interface PromiseOf {
  readonly name: string;
  readonly kind: 'ability' | 'most' | 'least' | 'allowance';
  /** Why it is not tried. */
  readonly untried?: string;
  declared(capabilities: Capabilities, habits: Habits): Value;
}

const FLAGS = [
  'conditional_put',
  'conditional_delete',
  'versioning',
  'object_lock',
  'tagging',
  'multipart',
  'bucket_documents',
] as const;

const MOST = ['parts_max', 'delete_batch_max', 'list_limit_max', 'key_bytes_max'] as const;

/** 5 GiB and more, which no probe should send. */
const UNTRIED_SIZES = ['part_bytes_max', 'put_bytes_max', 'object_bytes_max'] as const;

const KEY_ABILITIES = [
  'leading_slash',
  'any_segments',
  'nested',
  'folder_content',
  'any_characters',
] as const;

/** Without rules any key will do. */
const ANY_KEYS = (capabilities: Capabilities): KeyRules => ({
  leading_slash: true,
  any_segments: true,
  segment_bytes_max: capabilities.key_bytes_max,
  nested: true,
  folder_content: true,
  any_characters: true,
});

/**
 * All but `rough_write_times`, which is the adapter's own (no server tells the time in the answer to a put), and
 * `etags_race_overwrites`, which shows once in a thousand reads.
 */
const PROBED_DEVIATIONS = [
  'no_markers_of_absent_keys',
  'folders_without_versions',
  'null_markers_of_odd_keys_stay',
  'prefixes_of_deleted_keys',
  'ascii_tags',
  'late_aborts_succeed',
  'late_parts_revive_uploads',
  'no_empty_parts',
  'newer_writes_end_uploads',
  'no_part_checksums',
] as const satisfies readonly Deviation[];

/** `copies_may_lose` is left out: it shows once in some dozen copies. */
const HABITS = [
  'website_redirect',
  'lists_uploads',
  'copies_parts_with_checksum',
  'tells_object_parts',
  'conditional_copy',
  'any_condition',
  'deletes_null_markers',
  'batches_tell_markers',
  'md5_etags',
] as const;

/** Archive classes are left out: some servers bill them by the month. */
export const PROBED_STORAGE_CLASSES = ['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA'] as const;

export const PROMISES: readonly PromiseOf[] = [
  ...FLAGS.map(
    (name): PromiseOf => ({ name, kind: 'ability', declared: (capabilities) => capabilities[name] }),
  ),
  ...CHECKSUM_ALGORITHMS.map(
    (algorithm): PromiseOf => ({
      name: `checksums.${algorithm}`,
      kind: 'ability',
      declared: ({ checksums }) => checksums.includes(algorithm),
    }),
  ),
  { name: 'part_bytes_min', kind: 'least', declared: ({ part_bytes_min }) => part_bytes_min },
  ...MOST.map((name): PromiseOf => ({ name, kind: 'most', declared: (capabilities) => capabilities[name] })),
  ...UNTRIED_SIZES.map(
    (name): PromiseOf => ({
      name,
      kind: 'most',
      untried: 'would take an upload of that size',
      declared: (capabilities) => capabilities[name],
    }),
  ),
  ...KEY_ABILITIES.map(
    (name): PromiseOf => ({
      name: `keys.${name}`,
      kind: 'ability',
      declared: (capabilities) => (capabilities.keys ?? ANY_KEYS(capabilities))[name],
    }),
  ),
  {
    name: 'keys.segment_bytes_max',
    kind: 'most',
    declared: (capabilities) => (capabilities.keys ?? ANY_KEYS(capabilities)).segment_bytes_max,
  },
  ...PROBED_DEVIATIONS.map(
    (name): PromiseOf => ({
      name: `deviations.${name}`,
      kind: 'allowance',
      declared: ({ deviations = [] }) => deviations.includes(name),
    }),
  ),
  ...HABITS.map(
    (name): PromiseOf => ({
      name: `habits.${name}`,
      kind: 'ability',
      declared: (_capabilities, habits) => habits[name],
    }),
  ),
  {
    name: 'habits.copy_part_bytes_min',
    kind: 'least',
    declared: (_capabilities, { copy_part_bytes_min }) => copy_part_bytes_min,
  },
  ...PROBED_STORAGE_CLASSES.map(
    (storage_class): PromiseOf => ({
      name: `habits.storage_classes.${storage_class}`,
      kind: 'ability',
      declared: (_capabilities, { storage_classes }) => storage_classes?.includes(storage_class) ?? true,
    }),
  ),
];
