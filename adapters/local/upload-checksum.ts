import { combineComposite, combineFullObject } from '../../src/wire/checksums.js';
import type { UploadInfo } from '../contract/index.js';
import type { PartRecord } from './index/content-records.js';
import type { StoredChecksum } from './index/records.js';

type Declared = UploadInfo['checksum'];

/**
 * The object's checksum out of those of its parts. Without a declared one: CRC64NVME over the whole object, as AWS
 * does, or what all parts brought. Null where the parts brought different ones.
 */
export function uploadChecksum(declared: Declared, parts: readonly PartRecord[]): StoredChecksum | null {
  const algorithm = declared?.algorithm ?? parts[0]?.checksum.algorithm;
  if (algorithm === undefined) return null;
  if (parts.some((part) => part.checksum.algorithm !== algorithm)) return null;
  const can_combine = algorithm !== 'SHA1' && algorithm !== 'SHA256';
  const type = declared?.type ?? (can_combine ? 'FULL_OBJECT' : 'COMPOSITE');
  const values = parts.map((part) => ({
    checksum: Buffer.from(part.checksum.value, 'base64'),
    size_bytes: part.size_bytes,
  }));
  const value =
    type === 'COMPOSITE' || !can_combine
      ? combineComposite(
          algorithm,
          values.map(({ checksum }) => checksum),
        )
      : combineFullObject(algorithm, values);
  return { algorithm, type, value: value.toString('base64') };
}
