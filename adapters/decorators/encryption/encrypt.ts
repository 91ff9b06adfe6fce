import type { Adapter } from '../../contract/index.js';
import { recode } from '../recoded/recode.js';
import { encryptionCodec } from './codec.js';
import { type Keyring, openKeyring } from './keys.js';

export interface EncryptionOptions extends Keyring {
  /** Upstream; for what is known of the parts of unfinished uploads. Made when first needed, hidden from all calls. */
  readonly records_bucket: string;
}

/**
 * Encrypts contents before they leave the node: AES-256-GCM in frames, each piece under a key of its own that is derived
 * from one of the keyring. The upstream sees keys of objects, attributes, tags and rough sizes, and no content. Clients
 * see sizes, ETags and checksums of what they wrote; listings of an upstream that lists no attributes show a made-up ETag
 * (never an MD5) for objects that this process has not looked at.
 */
export function encrypt(inner: Adapter, options: EncryptionOptions): Adapter {
  return recode(inner, encryptionCodec(openKeyring(options), options.records_bucket));
}
