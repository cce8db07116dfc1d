import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framesOf, MessageAssembler } from '../../src/codec/chunk.ts';
import { FormatError } from '../../src/codec/format-error.ts';
import { encodeMessage } from '../../src/codec/message-codec.ts';
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from '../../src/core/limits.ts';
import { MESSAGE_SAMPLES } from './format-samples.ts';

const CHUNK = 0xc1;

/** Bytes that begin as a message does, with an array, and differ from one another. */
function messageOf(length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
  bytes[0] = 0x92;
  return bytes;
}

function chunk(more: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(5);
  bytes.set([CHUNK, more]);
  return bytes;
}

function assembled(frames: readonly Uint8Array[], assembler = new MessageAssembler()): Uint8Array[] {
  return frames.map((frame) => assembler.accept(frame)).filter((message) => message !== undefined);
}

const CHUNKED = MAX_FRAME_BYTES - 2;

describe('a message', () => {
  it.each([
    [1, 1],
    [MAX_FRAME_BYTES, 1],
    [MAX_FRAME_BYTES + 1, 2],
    [2 * CHUNKED - 1, 2],
    [2 * CHUNKED, 2],
    [2 * CHUNKED + 1, 3],
    [5 * MAX_FRAME_BYTES, 6],
  ])('of %i bytes travels in %i frames and comes back as it was', (length, count) => {
    const message = messageOf(length);
    const frames = framesOf(message);
    expect(frames).toHaveLength(count);
    expect(frames.every((frame) => frame.length >= 1 && frame.length <= MAX_FRAME_BYTES)).toBe(true);
    const [whole] = assembled(frames);
    expect(Buffer.compare(whole as Uint8Array, message)).toBe(0);
  });

  it('may follow any other on one connection', () => {
    const sizes = fc.array(fc.constantFrom(1, 50, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 2 * CHUNKED), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const got = assembled(lengths.flatMap((length) => framesOf(messageOf(length))));
        expect(got.map(({ length }) => length)).toEqual(lengths);
      }),
      { numRuns: 30 },
    );
  });

  it('never begins like a chunk', () => {
    for (const message of Object.values(MESSAGE_SAMPLES)) expect(encodeMessage(message)[0]).not.toBe(CHUNK);
  });

  it('is put together from copies, whatever kind of array a frame is', () => {
    const frames = framesOf(messageOf(MAX_FRAME_BYTES + 1)).map((frame) => Buffer.from(frame));
    const assembler = new MessageAssembler();
    assembler.accept(frames[0] as Buffer);
    frames[0]?.fill(0);
    const whole = assembler.accept(frames[1] as Buffer) as Uint8Array;
    expect(Buffer.compare(whole, messageOf(MAX_FRAME_BYTES + 1))).toBe(0);
  });
});

describe('frames that no node of ours sends', () => {
  it.each<readonly [string, readonly Uint8Array[]]>([
    ['a chunk without its second byte', [Uint8Array.of(CHUNK)]],
    ['a chunk without content', [Uint8Array.of(CHUNK, 0)]],
    ['a chunk that neither ends nor goes on', [chunk(2, 9)]],
    ['a chunk that is followed by others and not full', [chunk(1, MAX_FRAME_BYTES - 1)]],
    ['a message inside of another one', [chunk(1, MAX_FRAME_BYTES), messageOf(5)]],
  ])('are refused: %s', (_, frames) => {
    expect(() => assembled(frames)).toThrow(FormatError);
  });

  it('are refused as soon as they make a message longer than any of ours', () => {
    const assembler = new MessageAssembler();
    const full = chunk(1, MAX_FRAME_BYTES);
    const allowed = Math.floor(MAX_MESSAGE_BYTES / CHUNKED);
    for (let count = 0; count < allowed; count += 1) expect(assembler.accept(full)).toBeUndefined();
    expect(() => assembler.accept(full)).toThrow(`longer than ${MAX_MESSAGE_BYTES} bytes`);
  });
});
