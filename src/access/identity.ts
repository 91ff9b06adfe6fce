/** Who is asking. Every request of either door ends with one of these before an operation runs. */
export interface Identity {
  /** Canonical id: what S3 shows as owner id. */
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
  readonly email: string | null;
  /** Root may do all. */
  readonly is_root: boolean;
  readonly policies: readonly string[];
}

/** The identity of a request without credentials. */
export const ANONYMOUS: Identity = {
  id: '',
  name: 'anonymous',
  display_name: '',
  email: null,
  is_root: false,
  policies: [],
};

export interface Credential {
  readonly access_key: string;
  readonly secret_key: string;
  readonly identity: Identity;
}

/** Looks up the keys that requests are signed with. Synchronous: it is on the way of every request. */
export interface CredentialSource {
  findByAccessKey(access_key: string): Credential | undefined;
  /** For owners in listings and ACLs. */
  findById(id: string): Identity | undefined;
}
