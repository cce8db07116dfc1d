/**
 * Messages longer than a frame travel as several frames, one after the other on one connection. A chunk begins with
 * 0xc1, a byte that no MessagePack value begins with, and one that says whether more follow. All but the last are full:
 * a message in many small pieces would take many times its own memory.
 */
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from '../core/limits.ts';
import { FormatError } from './packer.ts';

const CHUNK = 0xc1;
const CHUNK_HEADER_BYTES = 2;
const MAX_CHUNK_BYTES = MAX_FRAME_BYTES - CHUNK_HEADER_BYTES;

/** The frames that carry a message, in the order to send them. */
export function framesOf(message: Uint8Array): readonly Uint8Array[] {
  if (message.length <= MAX_FRAME_BYTES) return [message];
  const frames: Uint8Array[] = [];
  for (let start = 0; start < message.length; start += MAX_CHUNK_BYTES) {
    const end = Math.min(start + MAX_CHUNK_BYTES, message.length);
    const more = end < message.length ? 1 : 0;
    frames.push(Buffer.concat([Uint8Array.of(CHUNK, more), message.subarray(start, end)]));
  }
  return frames;
}

/** Puts messages together again; one for each connection. */
export class MessageAssembler {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** The message that this frame completes, if any. Throws FormatError for what no peer of ours sends. */
  accept(frame: Uint8Array): Uint8Array | undefined {
    if (frame[0] !== CHUNK) {
      if (this.#chunks.length > 0) throw new FormatError('a message began inside another one');
      return frame;
    }
    const more = frame[1];
    if (frame.length <= CHUNK_HEADER_BYTES || more === undefined || more > 1) {
      throw new FormatError('a chunk is not well formed');
    }
    if (more === 1 && frame.length < MAX_FRAME_BYTES) throw new FormatError('a chunk is not full');
    // A copy, so that what is kept does not keep the connection's buffer; the `slice` of a Buffer would make none.
    this.#append(Uint8Array.prototype.slice.call(frame, CHUNK_HEADER_BYTES));
    return more === 1 ? undefined : this.#complete();
  }

  #append(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_MESSAGE_BYTES)
      throw new FormatError(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`);
    this.#chunks.push(chunk);
  }

  #complete(): Uint8Array {
    const message = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    return message;
  }
}
