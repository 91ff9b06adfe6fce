import { LIMITS } from '../../config/limits.js';
import { isNodeAddress } from '../nodes/address.js';
import type { NodeClaim } from '../nodes/registry.js';
import { invalid, type Problem } from './errors.js';
import { isWellFormed } from './shard-id.js';

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => readonly [msg: string, type: string] | null;

const text: Check = (value) => {
  if (typeof value !== 'string') return ['Input should be a valid string', 'string_type'];
  if (value.length === 0) return ['String should have at least 1 character', 'string_too_short'];
  if (Buffer.byteLength(value) > LIMITS.node_id_bytes_max) {
    return [`String should have at most ${LIMITS.node_id_bytes_max} bytes`, 'string_too_long'];
  }
  return isWellFormed(value) ? null : ['String should be valid Unicode', 'string_unicode'];
};

const address: Check = (value) => {
  const wrong = text(value);
  if (wrong !== null) return wrong;
  return isNodeAddress(String(value))
    ? null
    : ['Input should be a host name or an IP address', 'value_error'];
};

const port: Check = (value) => {
  if (typeof value !== 'number' || !Number.isInteger(value))
    return ['Input should be a valid integer', 'int_type'];
  return value >= 1 && value <= 65_535 ? null : ['Input should be between 1 and 65535', 'value_error'];
};

const bytes: Check = (value) => {
  if (typeof value !== 'number' || !Number.isInteger(value))
    return ['Input should be a valid integer', 'int_type'];
  return value >= 0 ? null : ['Input should be greater than or equal to 0', 'greater_than_equal'];
};

const REQUIRED: Readonly<Record<string, Check>> = {
  node_id: text,
  node_type: text,
  address,
  port,
  storage_capacity: bytes,
};

/** Validates what a node says of itself. Errors: 422 with every field that is wrong. */
export function readNodeClaim(fields: Fields): NodeClaim {
  const problems: Problem[] = [];
  const add = (field: string, found: readonly [string, string] | null) => {
    if (found !== null) problems.push({ loc: ['body', field], msg: found[0], type: found[1] });
  };
  for (const [field, check] of Object.entries(REQUIRED)) {
    add(field, fields[field] === undefined ? ['Field required', 'missing'] : check(fields[field]));
  }
  if (fields.storage_used != null) add('storage_used', bytes(fields.storage_used));
  if (problems.length > 0) throw invalid(...problems);
  return {
    node_id: fields.node_id as string,
    node_type: fields.node_type as string,
    address: fields.address as string,
    port: fields.port as number,
    storage_capacity: fields.storage_capacity as number,
    ...(typeof fields.storage_used === 'number' && { storage_used: fields.storage_used }),
  };
}
