import { LIMITS } from '../../config/limits.js';
import { createBase64Decoder } from './base64.js';
import { invalid, ShardApiError } from './errors.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const LETTER_U = 0x75;
const DATA_KEY = 'shard_data';
const KEY_BYTES_MAX = 64;
const QUOTES = Buffer.from('""');

export interface ShardDataSplitter {
  /** The decoded bytes of shard_data that this piece of the document carries. Errors: 422, 413. */
  push(piece: Buffer): readonly Buffer[];
  /** The document without the text of shard_data, which stands there as an empty string. Errors: 422. */
  end(): Buffer;
}

export function notBase64(msg = 'shard_data is not valid base64'): ShardApiError {
  return invalid({ loc: ['body', 'shard_data'], msg, type: 'base64' });
}

/**
 * Takes the long text of `shard_data` out of a JSON document as it arrives, so that a shard of 100 MB needs neither
 * its base64 nor a string of it in memory. It looks only at what tells strings and nesting apart; whether the rest is
 * JSON is for JSON.parse to say.
 */
export function createShardDataSplitter(): ShardDataSplitter {
  const rest: Buffer[] = [];
  let rest_bytes = 0;
  let depth = 0;
  let state: 'outside' | 'string' | 'data' = 'outside';
  let escaped = false;
  /** At depth 1: the next string is a name; its bytes so far, while it is being read. */
  let name_next = false;
  let name: number[] | undefined;
  let last_name = '';
  let value_next = false;
  const decoder = createBase64Decoder();
  /** A JSON escape inside shard_data (`\/`, `\u002b`), until it is whole. */
  let sequence = '';
  let seen_data = false;

  const keep = (piece: Buffer) => {
    if (piece.length === 0) return;
    rest_bytes += piece.length;
    if (rest_bytes > LIMITS.shard_body_rest_bytes_max) {
      throw new ShardApiError(413, 'The fields beside shard_data are too large');
    }
    rest.push(Buffer.from(piece));
  };

  const decode = (text: Buffer): Buffer => {
    const bytes = decoder.push(text);
    if (bytes === null) throw notBase64();
    return bytes;
  };

  const beginData = () => {
    // Elsewhere the last of a repeated name wins; here the first may be on its way already.
    if (seen_data) throw notBase64('shard_data is given twice');
    seen_data = true;
    state = 'data';
  };

  const endString = () => {
    state = 'outside';
    if (name === undefined) return;
    try {
      last_name = String(JSON.parse(`"${Buffer.from(name).toString('utf8')}"`));
    } catch {
      last_name = '';
    }
    name = undefined;
  };

  const beginString = (): boolean => {
    if (depth === 1 && value_next && last_name === DATA_KEY) {
      beginData();
      value_next = false;
      return true;
    }
    state = 'string';
    if (depth === 1 && name_next) name = [];
    name_next = false;
    value_next = false;
    return false;
  };

  const outside = (byte: number) => {
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      name_next = depth === 1 && byte === OPEN_BRACE;
      value_next = false;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    else if (depth === 1 && byte === COMMA) name_next = true;
    else if (depth === 1 && byte === COLON) value_next = true;
    else if (byte > 0x20) value_next = false;
  };

  const inString = (byte: number) => {
    if (name !== undefined && (escaped || byte !== QUOTE)) {
      if (name.length < KEY_BYTES_MAX) name.push(byte);
    }
    if (escaped) escaped = false;
    else if (byte === BACKSLASH) escaped = true;
    else if (byte === QUOTE) endString();
  };

  /** Walks from `at` to where shard_data's text begins, or to the end of the piece. */
  const walk = (piece: Buffer, at: number): number => {
    for (let index = at; index < piece.length; index++) {
      const byte = piece[index] ?? 0;
      if (state === 'string') inString(byte);
      else if (byte !== QUOTE) outside(byte);
      else if (beginString()) {
        keep(piece.subarray(at, index));
        keep(QUOTES);
        return index + 1;
      }
    }
    keep(piece.subarray(at));
    return piece.length;
  };

  const takeEscaped = (byte: number): Buffer | undefined => {
    sequence += String.fromCharCode(byte);
    const whole = sequence.charCodeAt(1) === LETTER_U ? 6 : 2;
    if (sequence.length < whole) return undefined;
    const text = sequence;
    sequence = '';
    try {
      return decode(Buffer.from(String(JSON.parse(`"${text}"`)), 'utf8'));
    } catch {
      throw notBase64();
    }
  };

  /** Decodes from `at` to the closing quote, or to the end of the piece. */
  const readData = (piece: Buffer, at: number, out: Buffer[]): number => {
    let index = at;
    while (index < piece.length) {
      if (sequence !== '') {
        const bytes = takeEscaped(piece[index] ?? 0);
        if (bytes !== undefined) out.push(bytes);
        index++;
        continue;
      }
      const quote = piece.indexOf(QUOTE, index);
      const run = piece.subarray(index, quote < 0 ? piece.length : quote);
      const slash = run.indexOf(BACKSLASH);
      out.push(decode(slash < 0 ? run : run.subarray(0, slash)));
      if (slash >= 0) {
        sequence = '\\';
        index += slash + 1;
      } else if (quote < 0) return piece.length;
      else {
        if (!decoder.end()) throw notBase64();
        state = 'outside';
        return quote + 1;
      }
    }
    return index;
  };

  return {
    push: (piece) => {
      const out: Buffer[] = [];
      let at = 0;
      while (at < piece.length) at = state === 'data' ? readData(piece, at, out) : walk(piece, at);
      return out;
    },
    end: () => {
      if (state === 'data') throw notBase64();
      return Buffer.concat(rest);
    },
  };
}
