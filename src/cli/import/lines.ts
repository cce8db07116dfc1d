/**
 * Lines of a byte stream, one at a time. A file of any size passes through in the memory of one chunk and one line, and a
 * line has a bound, so that a file which is not made of lines cannot fill the memory.
 */

/** Bytes of one line at most: well above what a node takes as a value, so that its answer names the real limit. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** One line. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the line end. Undefined if the line is longer than the bound: it was skipped. */
  readonly bytes: Buffer | undefined;
  /** Bytes of the stream up to and including this line's end. */
  readonly endOffset: number;
}

/** The lines of `chunks`. A line ends with LF or CRLF; the last one may lack it. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<Line, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;
  let offset = 0;

  const keep = (part: Buffer) => {
    length += part.length;
    if (length <= maxLineBytes) parts.push(part);
    else parts = [];
  };
  const finish = (endOffset: number): Line => {
    const bytes = length > maxLineBytes ? undefined : withoutCarriageReturn(Buffer.concat(parts));
    parts = [];
    length = 0;
    number += 1;
    return { number, bytes, endOffset };
  };

  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = buffer.indexOf(LINE_FEED); end !== -1; end = buffer.indexOf(LINE_FEED, start)) {
      keep(buffer.subarray(start, end));
      yield finish(offset + end + 1);
      start = end + 1;
    }
    if (start < buffer.length) keep(buffer.subarray(start));
    offset += buffer.length;
  }
  if (length > 0) yield finish(offset);
}

function withoutCarriageReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
}
