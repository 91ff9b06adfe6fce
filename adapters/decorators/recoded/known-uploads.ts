import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import type { Adapter, UploadAddress, UploadInfo } from '../../contract/index.js';
import type { Codec } from './codec.js';
import { type Declared, shownSystem } from './content.js';

/** Said when an upload began, and the same until its end. */
interface Begun {
  readonly checksum: Declared;
  /** Its parts go up as they come, and so does all else of it. */
  readonly unchanged: boolean;
}

type Name = Omit<UploadAddress, 'signal'>;

export interface KnownUploads {
  /** Asks the upstream where it is not known yet. */
  of(address: UploadAddress): Promise<Begun>;
  /** Without asking. */
  isKnownUnchanged(address: Name): boolean;
  isUnchanged(upload: UploadInfo): boolean;
  remember(address: Name, upload: UploadInfo): void;
  /** Without names of ours. */
  shown(upload: UploadInfo): UploadInfo;
}

export function createKnownUploads(inner: Adapter, { names, refuseUnmarked }: Codec): KnownUploads {
  const known = new LRUCache<string, Begun>({ max: LIMITS.recoded_known_uploads_max });
  const nameOf = ({ bucket, key, upload_id }: Name) => JSON.stringify([bucket, key, upload_id]);
  const isUnchanged = ({ system }: UploadInfo): boolean =>
    refuseUnmarked === undefined && system?.[names.mark] === undefined;
  const remember = (address: Name, upload: UploadInfo): Begun => {
    const begun = { checksum: upload.checksum, unchanged: isUnchanged(upload) };
    known.set(nameOf(address), begun);
    return begun;
  };
  return {
    async of(address) {
      const begun = known.get(nameOf(address));
      if (begun !== undefined) return begun;
      const { bucket, key, upload_id, signal } = address;
      const { upload } = await inner.listParts({ bucket, key, upload_id, signal, limit: 1 });
      return remember(address, upload);
    },
    isKnownUnchanged: (address) => known.get(nameOf(address))?.unchanged === true,
    isUnchanged,
    remember,
    shown: (upload) =>
      upload.system === undefined ? upload : { ...upload, system: shownSystem(names, upload.system) },
  };
}
