import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, assertFrame, encodeFrames, framedBytes } from '../../src/codec/frame.ts';
import { MAX_FRAME_BYTES } from '../../src/core/limits.ts';

/** Payloads whose sizes sit on both sides of the encoder's copy bound as well as of the header. */
const payloads = fc.array(
  fc
    .tuple(
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(8_191, 8_192, 8_193, 20_000)),
      fc.nat(255),
    )
    .map(([length, fill]) => Uint8Array.from({ length }, (_, index) => (index + fill) & 255)),
  { maxLength: 12 },
);

function cut(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((fraction) => Math.floor(fraction * stream.length)), stream.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((to, index) => stream.subarray(places[index], to));
}

function decode(chunks: readonly Uint8Array[]): {
  frames: Uint8Array[];
  results: string[];
  isWhole: boolean;
} {
  const decoder = new FrameDecoder();
  const frames: Uint8Array[] = [];
  const results = chunks.map((chunk) => decoder.feed(chunk, (frame) => frames.push(frame)).type);
  return { frames, results, isWhole: decoder.isWhole };
}

function header(length: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

const hex = (frames: readonly Uint8Array[]): string[] =>
  frames.map((frame) => Buffer.from(frame).toString('hex'));

describe('frame', () => {
  it('has a length of four bytes, big-endian, before the payload', () => {
    expect(hex([Buffer.concat(encodeFrames([Uint8Array.of(7, 8), Uint8Array.of(9)]))])).toEqual([
      '0000000207080000000109',
    ]);
    expect(framedBytes(Uint8Array.of(7, 8))).toBe(6);
  });

  it('gathers small payloads in one buffer and hands large ones through uncopied', () => {
    const small = new Uint8Array(100);
    const large = new Uint8Array(100_000);
    expect(encodeFrames([small, small, small])).toHaveLength(1);
    const buffers = encodeFrames([small, large, small, small]);
    expect(buffers.map((buffer) => buffer.length)).toEqual([108, 100_000, 208]);
    expect(buffers[1]).toBe(large);
    expect(encodeFrames([])).toEqual([]);
  });

  it('comes out as it went in, wherever the stream is cut', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(payloads, cuts, (sent, places) => {
        const { frames, results, isWhole } = decode(cut(Buffer.concat(encodeFrames(sent)), places));
        expect(hex(frames)).toEqual(hex(sent));
        expect(new Set([...results])).toEqual(new Set(['fed']));
        expect(isWhole).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('comes out of a stream that arrives byte by byte', () => {
    const sent = [new Uint8Array(300).fill(1), Uint8Array.of(2), new Uint8Array(9_000).fill(3)];
    const stream = Buffer.concat(encodeFrames(sent));
    const { frames } = decode(Array.from(stream, (byte) => Uint8Array.of(byte)));
    expect(hex(frames)).toEqual(hex(sent));
  });

  it('is a view on the chunk if it lies wholly in it, and a plain Uint8Array in any case', () => {
    const chunk = Buffer.concat(encodeFrames([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]));
    const whole = decode([chunk]).frames;
    expect(whole.every((frame) => frame.buffer === chunk.buffer)).toBe(true);
    const split = decode([chunk.subarray(0, 5), chunk.subarray(5)]).frames;
    for (const frame of [...whole, ...split]) expect(Object.getPrototypeOf(frame)).toBe(Uint8Array.prototype);
  });

  it('keeps no frame for the next one: each that was put together owns its bytes', () => {
    const stream = Buffer.concat(encodeFrames([new Uint8Array(10).fill(1), new Uint8Array(10).fill(2)]));
    const { frames } = decode([stream.subarray(0, 6), stream.subarray(6, 20), stream.subarray(20)]);
    expect(frames.map((frame) => frame[0])).toEqual([1, 2]);
    expect(frames[0]?.buffer).not.toBe(frames[1]?.buffer);
  });

  it('may be exactly as long as the bound, and no longer', () => {
    const largest = new Uint8Array(MAX_FRAME_BYTES).fill(5);
    expect(decode([Buffer.concat(encodeFrames([largest]))]).frames[0]).toHaveLength(MAX_FRAME_BYTES);
    expect(() => assertFrame(largest)).not.toThrow();
    expect(() => assertFrame(new Uint8Array(MAX_FRAME_BYTES + 1))).toThrow(RangeError);
    expect(() => assertFrame(new Uint8Array(0))).toThrow(RangeError);
  });

  it.each([0, MAX_FRAME_BYTES + 1, 0x7fffffff, 0x80000000, 0xffffffff])(
    'of %i bytes is malformed, and everything after it too',
    (length) => {
      const decoder = new FrameDecoder();
      const frames: Uint8Array[] = [];
      const good = Buffer.concat(encodeFrames([Uint8Array.of(1)]));
      const result = decoder.feed(Buffer.concat([good, header(length), good]), (frame) => frames.push(frame));
      expect(result).toEqual({ type: 'malformed', reason: expect.stringContaining(`${length} bytes`) });
      expect(decoder.feed(good, (frame) => frames.push(frame))).toBe(result);
      expect(decoder.isWhole).toBe(false);
      expect(hex(frames)).toEqual(['01']);
    },
  );

  it('is not whole as long as something of it is to come', () => {
    expect(decode([header(5), Uint8Array.of(1)]).isWhole).toBe(false);
    expect(decode([Uint8Array.of(0)]).isWhole).toBe(false);
    expect(decode([]).isWhole).toBe(true);
  });

  it('survives random bytes: no exception, no memory beyond one frame', () => {
    const original = globalThis.Uint8Array;
    let largest = 0;
    const watched = new Proxy(original, {
      construct(target, args: unknown[]) {
        if (typeof args[0] === 'number') largest = Math.max(largest, args[0]);
        return Reflect.construct(target, args) as object;
      },
    });
    // Leading zeroes make lengths that pass, so that bodies are allocated and not only refused.
    const hostile = fc
      .tuple(fc.constantFrom(0, 1, 2, 3), fc.uint8Array({ minLength: 1, maxLength: 200 }))
      .map(([zeroes, tail]) => Buffer.concat([Buffer.alloc(zeroes), tail]));
    const chunkLists = fc.array(hostile, { maxLength: 10 });
    fc.assert(
      fc.property(chunkLists, (chunks) => {
        globalThis.Uint8Array = watched;
        try {
          const decoder = new FrameDecoder();
          for (const chunk of chunks) {
            const { type } = decoder.feed(chunk, (frame) => {
              if (frame.length === 0 || frame.length > MAX_FRAME_BYTES) throw new Error('out of bounds');
            });
            if (type !== 'fed' && type !== 'malformed') throw new Error('another result');
          }
        } finally {
          globalThis.Uint8Array = original;
        }
      }),
      { numRuns: 500 },
    );
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });
});
