/**
 * The part of MessagePack that Quorate reads: nil, booleans, numbers, strings, binaries, and arrays of these. The check
 * walks over the heads of all values before the library builds any of them.
 *
 * It is needed because the library trusts its input. It makes errors, regular expressions, sets, big integers and shared
 * references out of extension types, compiles records that the bytes define, and tells about bytes after the end by
 * turning into text whatever came before, which takes exponential time where values share references. Nothing in
 * our formats uses a map or an extension type, so a byte that begins one is simply not ours.
 *
 * The check also bounds depth and number of values, so that no message costs much more memory than its own bytes.
 */
import { MAX_PACKED_DEPTH, MAX_PACKED_VALUES } from '../core/limits.ts';
import { FormatError } from './format-error.ts';

/** What the first byte of a value says about it; 0: it is not ours. A number, nil or a boolean has so many more bytes. */
const FIXED = 1;
/** A string or a binary, whose length is in the first byte, or in so many bytes after it. */
const SHORT_BLOCK = 2;
const BLOCK = 3;
/** An array, whose count is in the first byte, or in so many bytes after it. */
const SHORT_ARRAY = 4;
const ARRAY = 5;

const KINDS = new Uint8Array(256);
const MORE_BYTES = new Uint8Array(256);

function define(kind: number, first: number, last: number, moreBytes = 0): void {
  KINDS.fill(kind, first, last + 1);
  MORE_BYTES.fill(moreBytes, first, last + 1);
}

define(FIXED, 0x00, 0x7f);
define(SHORT_ARRAY, 0x90, 0x9f);
define(SHORT_BLOCK, 0xa0, 0xbf);
define(FIXED, 0xc0, 0xc0);
define(FIXED, 0xc2, 0xc3);
for (const [size, bytes] of [1, 2, 4].entries()) {
  define(BLOCK, 0xc4 + size, 0xc4 + size, bytes);
  define(BLOCK, 0xd9 + size, 0xd9 + size, bytes);
}
define(FIXED, 0xca, 0xca, 4);
define(FIXED, 0xcb, 0xcb, 8);
for (const [size, bytes] of [1, 2, 4, 8].entries()) {
  define(FIXED, 0xcc + size, 0xcc + size, bytes);
  define(FIXED, 0xd0 + size, 0xd0 + size, bytes);
}
define(ARRAY, 0xdc, 0xdc, 2);
define(ARRAY, 0xdd, 0xdd, 4);
define(FIXED, 0xe0, 0xff);

const SHORT_BLOCK_LENGTH = 0x1f;
const SHORT_ARRAY_COUNT = 0x0f;

/** Throws FormatError unless the bytes are exactly one value of the kinds above, within the bounds. */
export function checkGrammar(bytes: Uint8Array): void {
  const scan = new Scan(bytes);
  scan.value(0);
  scan.end();
}

class Scan {
  readonly #bytes: Uint8Array;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  value(depth: number): void {
    this.#values += 1;
    if (this.#values > MAX_PACKED_VALUES) throw new FormatError('it holds too many values');
    const first = this.#unsigned(1);
    const moreBytes = MORE_BYTES[first] as number;
    switch (KINDS[first]) {
      case FIXED:
        return this.#skip(moreBytes);
      case SHORT_BLOCK:
        return this.#skip(first & SHORT_BLOCK_LENGTH);
      case BLOCK:
        return this.#skip(this.#unsigned(moreBytes));
      case SHORT_ARRAY:
        return this.#array(first & SHORT_ARRAY_COUNT, depth);
      case ARRAY:
        return this.#array(this.#unsigned(moreBytes), depth);
      default:
        throw new FormatError(`it holds a value of kind 0x${first.toString(16)}`);
    }
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw new FormatError('bytes follow after the end');
  }

  #array(count: number, depth: number): void {
    if (depth === MAX_PACKED_DEPTH) throw new FormatError('its arrays are too deep');
    for (let index = 0; index < count; index += 1) this.value(depth + 1);
  }

  /** A big-endian number of so many bytes. */
  #unsigned(length: number): number {
    const from = this.#at;
    this.#skip(length);
    let value = 0;
    for (let at = from; at < this.#at; at += 1) value = value * 0x100 + (this.#bytes[at] as number);
    return value;
  }

  #skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new FormatError('it ends too early');
  }
}
