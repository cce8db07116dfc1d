/** Bytes written and read in order, for formats that are packed by hand. */
import { FormatError } from './packer.ts';

export class ByteWriter {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** LEB128 of a safe integer >= 0. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** What was written: a view that later writes may change. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    larger.set(this.bytes());
    this.#buffer = larger;
  }
}

/** Every method throws FormatError at the end of the bytes. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** A view of the next bytes. */
  raw(length: number): Uint8Array {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new FormatError('it ends too early');
    const view = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return view;
  }

  /** Of so many bytes, 6 at most, the highest first. */
  unsigned(length: number): number {
    let value = 0;
    for (const byte of this.raw(length)) value = value * 0x100 + byte;
    return value;
  }

  /** A safe integer >= 0. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.raw(1)[0] as number;
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) throw new FormatError('it holds a number out of range');
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  }
}

/** The bytes as text, without a copy of them first. */
export function textOf({ buffer, byteOffset, length }: Uint8Array, encoding: BufferEncoding): string {
  return Buffer.from(buffer, byteOffset, length).toString(encoding);
}
