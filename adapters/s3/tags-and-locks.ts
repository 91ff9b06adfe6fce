import {
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import {
  isStoreError,
  type LockInput,
  type ObjectAddress,
  StoreError,
  type Tags,
  type TagsResult,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { readInfo } from './read-info.js';
import { missing } from './versions.js';

function named({ bucket, key, version_id }: ObjectAddress) {
  return { Bucket: bucket, Key: key, ...(version_id === undefined ? {} : { VersionId: version_id }) };
}

async function about<Result>(
  context: S3Context,
  address: ObjectAddress,
  call: Promise<Result>,
): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    throw await missing(context, address, error);
  }
}

export async function getTags(context: S3Context, input: ObjectAddress): Promise<TagsResult> {
  const command = new GetObjectTaggingCommand(named(input));
  const answer = await about(context, input, context.upstream.sdk.send(command, abortable(input)));
  const tags = Object.fromEntries((answer.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  return { tags, version_id: await versionOf(context, input, answer.VersionId) };
}

export async function putTags(
  context: S3Context,
  input: ObjectAddress & { readonly tags: Tags },
): Promise<TagsResult> {
  const TagSet = Object.entries(input.tags).map(([Key, Value]) => ({ Key, Value }));
  const { sdk } = context.upstream;
  const call =
    TagSet.length === 0
      ? sdk.send(new DeleteObjectTaggingCommand(named(input)), abortable(input))
      : sdk.send(new PutObjectTaggingCommand({ ...named(input), Tagging: { TagSet } }), abortable(input));
  const answer = await about(context, input, call);
  return { tags: input.tags, version_id: await versionOf(context, input, answer.VersionId) };
}

async function versionOf(
  context: S3Context,
  input: ObjectAddress,
  told: string | undefined,
): Promise<string> {
  const known = told ?? input.version_id;
  if (known !== undefined && known !== '') return known;
  if (!context.capabilities.versioning) return 'null';
  return (await readInfo(context, input)).version_id;
}

export async function putRetention(context: S3Context, input: LockInput): Promise<void> {
  const { retention, bypass_governance } = input;
  const Retention =
    retention === null ? {} : { Mode: retention.mode, RetainUntilDate: new Date(retention.until_ms) };
  const command = new PutObjectRetentionCommand({
    ...named(input),
    Retention,
    ...(bypass_governance === true ? { BypassGovernanceRetention: true } : {}),
  });
  try {
    await context.upstream.sdk.send(command, abortable(input));
  } catch (cause) {
    const error = toStoreError(cause);
    // Being refused means nothing else here when the version is retained.
    if (isStoreError(error, 'access_denied') && (await readInfo(context, input)).retention !== null) {
      throw new StoreError('locked', 'the version is retained', { subject: 'version', cause });
    }
    throw await missing(context, input, error);
  }
}

export async function putLegalHold(
  context: S3Context,
  input: ObjectAddress & { readonly legal_hold: boolean },
): Promise<void> {
  const command = new PutObjectLegalHoldCommand({
    ...named(input),
    LegalHold: { Status: input.legal_hold ? 'ON' : 'OFF' },
  });
  await about(context, input, context.upstream.sdk.send(command, abortable(input)));
}
