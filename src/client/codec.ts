/**
 * Codecs: how a value becomes bytes and back.
 *
 * A single value travels as its exact bytes. Siblings travel together in one JSON document, where a value whose content
 * type is JSON is embedded as JSON: it reaches `decode` written anew, with equal content but perhaps other whitespace,
 * and numbers beyond the precision of a double rounded. A codec that must see its exact bytes again should use a content
 * type other than JSON.
 */
export interface Codec<T> {
  /** Stored with the value. */
  readonly contentType: string;
  /** The bytes to store. What it throws becomes a `bad-value` error. */
  encode(value: T): Uint8Array;
  /** The value of stored bytes; `contentType` is the one they were stored with. What it throws becomes a `bad-value` error. */
  decode(bytes: Uint8Array, contentType: string): T;
}

const encoder = new TextEncoder();
/** Strict: bytes that are not UTF-8 are an error, not replacement characters. */
const decoder = new TextDecoder('utf-8', { fatal: true });
/** Keeps a leading byte order mark, so that text comes back as it was put. */
const exactDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * JSON, the default. Without `parse` the type is taken on trust; with it, every value read is checked, for instance
 * by the `parse` of a schema: `json(Cart.parse)`.
 */
export function json<T = unknown>(parse?: (value: unknown) => T): Codec<T> {
  return {
    contentType: 'application/json',
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}`);
      return encoder.encode(text);
    },
    decode(bytes) {
      const value: unknown = JSON.parse(decoder.decode(bytes));
      return parse === undefined ? (value as T) : parse(value);
    },
  };
}

/** Text in UTF-8. A lone surrogate has no form in it and is refused. */
export const text: Codec<string> = {
  contentType: 'text/plain; charset=utf-8',
  encode(value) {
    // TextEncoder would put a replacement character in its place, without a word.
    if (/\p{Surrogate}/u.test(value)) throw new TypeError('the text is not well-formed Unicode');
    return encoder.encode(value);
  },
  decode: (bytes) => exactDecoder.decode(bytes),
};

/** Bytes as they are. */
export const bytes: Codec<Uint8Array> = {
  contentType: 'application/octet-stream',
  encode(value) {
    if (!ArrayBuffer.isView(value)) throw new TypeError('the value is not a Uint8Array');
    // A copy: a retry must send what the first attempt sent, whatever becomes of the caller's buffer meanwhile.
    return new Uint8Array(value);
  },
  decode: (value) => value,
};
