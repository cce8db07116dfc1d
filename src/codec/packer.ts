/**
 * MessagePack as Quorate uses it: arrays by position only. No maps (a user's key is never an object's key), no shared
 * structures (bytes must not depend on what was packed before), so equal values give equal bytes.
 *
 * What comes from a peer or a disk is checked as a whole first (grammar.ts), and then read through FieldReader, which checks each field's kind and range. Binaries
 * that it gives alias the input: copy what outlives it.
 */
import { Packr } from 'msgpackr';
import { FormatError } from './format-error.ts';
import { checkGrammar } from './grammar.ts';

export { FormatError } from './format-error.ts';

const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  mapsAsObjects: false,
  int64AsType: 'number',
});

/** An option of msgpackr: leave this many bytes (below 256) free before the packed value. */
const RESERVE_START_SPACE = 2048;

/** Packs a value; the result may be a view of a larger buffer. */
export function packFields(fields: readonly unknown[]): Uint8Array {
  return packr.pack(fields);
}

/** As packFields, with `headerBytes` (below 256) left free at the start for the caller to fill. */
export function packFieldsAfterHeader(fields: readonly unknown[], headerBytes: number): Uint8Array {
  return packr.pack(fields, RESERVE_START_SPACE + headerBytes);
}

/** Unpacks an array. Throws FormatError for anything else, before anything is built of it. */
export function unpackFields(bytes: Uint8Array): FieldReader {
  checkGrammar(bytes);
  let value: unknown;
  try {
    value = packr.unpack(bytes);
  } catch (error) {
    throw new FormatError(`not MessagePack: ${(error as Error).message}`);
  }
  return readerOf(value);
}

function readerOf(value: unknown): FieldReader {
  if (!Array.isArray(value)) throw new FormatError('expected an array');
  return new FieldReader(value);
}

/** Reads an unpacked array field by field; each method throws FormatError if the next field is not of its kind. */
export class FieldReader {
  readonly #fields: readonly unknown[];
  #next = 0;

  constructor(fields: readonly unknown[]) {
    this.#fields = fields;
  }

  get remaining(): number {
    return this.#fields.length - this.#next;
  }

  string(maxCharacters = Number.POSITIVE_INFINITY): string {
    const value = this.#take();
    if (typeof value !== 'string' || value.length > maxCharacters) throw this.#unexpected('a string');
    return value;
  }

  optionalString(maxCharacters?: number): string | undefined {
    return this.#takeNull() ? undefined : this.string(maxCharacters);
  }

  bytes(): Uint8Array {
    const value = this.#take();
    if (!(value instanceof Uint8Array)) throw this.#unexpected('bytes');
    return value;
  }

  optionalBytes(): Uint8Array | undefined {
    return this.#takeNull() ? undefined : this.bytes();
  }

  /** A safe integer in the range, both ends included. */
  integer(min: number, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#take();
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw this.#unexpected(`an integer in ${min}..${max}`);
    }
    return value;
  }

  /** A finite number >= 0. */
  duration(): number {
    const value = this.#take();
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw this.#unexpected('a duration');
    return value;
  }

  /** A finite number. */
  number(): number {
    const value = this.#take();
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#unexpected('a number');
    return value;
  }

  optionalInteger(min: number): number | undefined {
    return this.#takeNull() ? undefined : this.integer(min);
  }

  boolean(): boolean {
    const value = this.#take();
    if (typeof value !== 'boolean') throw this.#unexpected('a boolean');
    return value;
  }

  oneOf<const Choice extends string>(choices: readonly Choice[]): Choice {
    const value = this.#take();
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw this.#unexpected(`one of ${choices.join(', ')}`);
    return choice;
  }

  fields(): FieldReader {
    return readerOf(this.#take());
  }

  optionalFields(): FieldReader | undefined {
    return this.#takeNull() ? undefined : this.fields();
  }

  /** Itself, if no more fields are left than this. Asked before anything is made of them. */
  atMost(count: number): this {
    if (this.remaining > count) throw new FormatError(`${this.remaining} items where ${count} may be`);
    return this;
  }

  /** Reads the rest, item by item. */
  each<Item>(read: (reader: FieldReader) => Item): Item[] {
    const items: Item[] = [];
    while (this.remaining > 0) items.push(read(this));
    return items;
  }

  /** Passes over the rest, whatever it is. */
  skip(): void {
    this.#next = this.#fields.length;
  }

  /** Throws FormatError if fields are left: a longer array is another version of the format. */
  end(): void {
    if (this.remaining > 0) throw new FormatError(`${this.remaining} fields too many`);
  }

  #take(): unknown {
    if (this.remaining <= 0) throw new FormatError(`field ${this.#next} is missing`);
    const value = this.#fields[this.#next];
    this.#next += 1;
    return value;
  }

  #takeNull(): boolean {
    if (this.remaining <= 0 || this.#fields[this.#next] !== null) return false;
    this.#next += 1;
    return true;
  }

  #unexpected(wanted: string): FormatError {
    return new FormatError(`field ${this.#next - 1} is not ${wanted}`);
  }
}
