const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/;
const PAD = 0x3d;

/**
 * Decodes standard base64 (RFC 4648, section 4) as Python's `b64decode(validate=True)` does: padding is needed, nothing
 * may be skipped, unused bits of the last character are not looked at. Null: it is not base64.
 */
export function decodeBase64(text: string): Buffer | null {
  if (text.length % 4 !== 0) return null;
  const bytes = Buffer.from(text, 'base64');
  // Encoding again is many times faster than a pattern, and equal for all that encoders really write.
  if (bytes.toString('base64') === text) return bytes;
  return ALPHABET.test(text) ? bytes : null;
}

export interface Base64Decoder {
  /** Decoded bytes of the next piece of text (ASCII); null: it is not base64. */
  push(piece: Buffer): Buffer | null;
  /** Whether the text ended where base64 may end. */
  end(): boolean;
}

/** The same, for text that arrives in pieces split anywhere. */
export function createBase64Decoder(): Base64Decoder {
  let rest = '';
  let ended = false;
  return {
    push: (piece) => {
      if (piece.length === 0) return Buffer.alloc(0);
      const text = rest + piece.toString('latin1');
      const whole = text.length - (text.length % 4);
      rest = text.slice(whole);
      if (whole === 0) return Buffer.alloc(0);
      if (ended) return null;
      ended = text.charCodeAt(whole - 1) === PAD;
      return decodeBase64(text.slice(0, whole));
    },
    end: () => rest === '',
  };
}
