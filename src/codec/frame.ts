/**
 * Frames on a byte stream: a length of 4 bytes, big-endian, then that many bytes of payload. A length of 0 or above
 * MAX_FRAME_BYTES is no frame: with it the rest of the stream has no meaning any more, so the decoder stops for good.
 *
 * A decoder holds at most one frame that is not whole yet, and takes memory for it only after its length was found
 * to be within the bound. Each byte of such a frame is copied once, however small the chunks are; a frame that lies
 * wholly in one chunk is not copied at all.
 */
import { MAX_FRAME_BYTES } from '../core/limits.ts';

const HEADER_BYTES = 4;

/**
 * Payloads up to this many bytes are copied next to their neighbours, so that many small frames make one buffer.
 * Above it a buffer of its own costs less than the copy (measured: even at 4 to 16 KiB).
 */
const MAX_COPIED_BYTES = 8 * 1024;

/** What became of the bytes that a decoder was given. After `malformed` the decoder takes no more bytes. */
type FeedResult = { readonly type: 'fed' } | { readonly type: 'malformed'; readonly reason: string };

const FED: FeedResult = { type: 'fed' };

/** Turns chunks of a byte stream, cut anywhere, into the frames that were sent. One decoder per stream. */
export class FrameDecoder {
  #headerHave = 0;
  #length = 0;
  #body: Uint8Array | undefined;
  #bodyHave = 0;
  #malformed: FeedResult | undefined;

  /**
   * Calls `onFrame` for each frame that this chunk completes, in order; also for those before a malformed length.
   * A payload may be a view on the chunk: whoever keeps it keeps the whole chunk alive. Throws nothing of its own.
   */
  feed(chunk: Uint8Array, onFrame: (payload: Uint8Array) => void): FeedResult {
    if (this.#malformed !== undefined) return this.#malformed;
    // A plain view, because the `slice` of a Buffer does not copy, and receivers rely on a copy.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      if (this.#headerHave < HEADER_BYTES) {
        at = this.#readHeader(bytes, at);
        if (this.#headerHave < HEADER_BYTES) return FED;
        if (this.#length === 0 || this.#length > MAX_FRAME_BYTES) return this.#refuseLength();
      } else {
        at = this.#readBody(bytes, at, onFrame);
      }
    }
    return FED;
  }

  /** Whether all that came were whole frames. */
  get isWhole(): boolean {
    return this.#malformed === undefined && this.#headerHave === 0;
  }

  #readHeader(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length && this.#headerHave < HEADER_BYTES) {
      this.#length = ((this.#length << 8) | (bytes[at] ?? 0)) >>> 0;
      this.#headerHave += 1;
      at += 1;
    }
    return at;
  }

  #readBody(bytes: Uint8Array, from: number, onFrame: (payload: Uint8Array) => void): number {
    const to = Math.min(bytes.length, from + this.#length - this.#bodyHave);
    const part = bytes.subarray(from, to);
    if (part.length === this.#length) {
      this.#startFrame();
      onFrame(part);
      return to;
    }
    this.#body ??= new Uint8Array(this.#length);
    this.#body.set(part, this.#bodyHave);
    this.#bodyHave += part.length;
    if (this.#bodyHave === this.#length) {
      const body = this.#body;
      this.#startFrame();
      onFrame(body);
    }
    return to;
  }

  #startFrame(): void {
    this.#headerHave = 0;
    this.#length = 0;
    this.#body = undefined;
    this.#bodyHave = 0;
  }

  #refuseLength(): FeedResult {
    const reason = `a frame of ${this.#length} bytes; 1 to ${MAX_FRAME_BYTES} are allowed`;
    this.#body = undefined;
    this.#malformed = { type: 'malformed', reason };
    return this.#malformed;
  }
}

/** Throws a RangeError unless the payload can be a frame (1 to MAX_FRAME_BYTES bytes): a bug of the sender. */
export function assertFrame(payload: Uint8Array): void {
  if (payload.length === 0 || payload.length > MAX_FRAME_BYTES) {
    throw new RangeError(`A frame has 1 to ${MAX_FRAME_BYTES} bytes, not ${payload.length}`);
  }
}

/** Bytes that a frame takes on the stream. */
export function framedBytes(payload: Uint8Array): number {
  return HEADER_BYTES + payload.length;
}

/**
 * The bytes of these frames, one after the other, in as few buffers as is cheap: small payloads are copied, large
 * ones are handed through. Payloads must have passed `assertFrame`.
 */
export function encodeFrames(payloads: readonly Uint8Array[]): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  let from = 0;
  while (from < payloads.length) {
    // A run ends with the first large payload: the header goes into the run's buffer, the payload stands alone.
    let to = from;
    let size = 0;
    let large: Uint8Array | undefined;
    while (to < payloads.length && large === undefined) {
      const payload = payloads[to] as Uint8Array;
      if (payload.length > MAX_COPIED_BYTES) large = payload;
      size += large === undefined ? framedBytes(payload) : HEADER_BYTES;
      to += 1;
    }
    buffers.push(encodeRun(payloads, from, to, size));
    if (large !== undefined) buffers.push(large);
    from = to;
  }
  return buffers;
}

function encodeRun(payloads: readonly Uint8Array[], from: number, to: number, size: number): Uint8Array {
  const run = Buffer.allocUnsafe(size);
  let at = 0;
  for (let index = from; index < to; index += 1) {
    const payload = payloads[index] as Uint8Array;
    at = run.writeUInt32BE(payload.length, at);
    if (payload.length > MAX_COPIED_BYTES) continue;
    run.set(payload, at);
    at += payload.length;
  }
  return run;
}
