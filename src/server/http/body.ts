import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from './problem.ts';

interface BodyLimits {
  readonly maxBytes: number;
  /** Milliseconds left for the body to arrive. */
  readonly timeoutMs: number;
}

/**
 * Reads a request's body from the raw stream, never holding more than `maxBytes` and one chunk. Throws `too-large` (at
 * once if Content-Length says so), or `bad-request` if the body is late or breaks off; nothing has been done then.
 */
export function readBody(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const announced = incoming.headers['content-length'];
  if (announced !== undefined && Number(announced) > limits.maxBytes) throw tooLarge(limits.maxBytes);
  if (incoming.headers.expect !== undefined) outgoing.writeContinue();
  return new Promise((resolve, reject) => collect(incoming, limits, resolve, reject));
}

function collect(
  incoming: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
  resolve: (body: Uint8Array) => void,
  reject: (problem: Problem) => void,
): void {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let isSettled = false;
  const timer = setTimeout(() => fail(() => late(timeoutMs)), Math.max(0, timeoutMs));
  // The listeners stay: to take them off would cost more than the whole reading of a small body.
  const settle = (): boolean => {
    if (isSettled) return false;
    isSettled = true;
    clearTimeout(timer);
    return true;
  };
  const fail = (problem: () => Problem): void => {
    if (!settle()) return;
    chunks = [];
    // What still comes is read when the answer has left (send-reply.ts).
    incoming.pause();
    reject(problem());
  };
  const onData = (chunk: Uint8Array): void => {
    if (isSettled) return;
    bytes += chunk.length;
    if (bytes > maxBytes) fail(() => tooLarge(maxBytes));
    else chunks.push(chunk);
  };
  const onEnd = (): void => {
    if (!incoming.complete) fail(brokenOff);
    else if (settle())
      resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, bytes));
  };
  const onBreak = (): void => fail(brokenOff);
  incoming.on('data', onData).on('end', onEnd).on('close', onBreak).on('error', onBreak);
}

function tooLarge(maxBytes: number): Problem {
  return new Problem('too-large', `The value is larger than the limit of ${maxBytes} bytes.`, {
    hint: 'Store it in parts under several keys, or raise limits.maxValueBytes in cluster.config.json.',
    facts: { maxValueBytes: maxBytes },
  });
}

function late(timeoutMs: number): Problem {
  return new Problem(
    'bad-request',
    `The body had not arrived ${Math.round(timeoutMs)} ms after its headers. Nothing was stored.`,
    {
      hint: 'Allow more time with Quorate-Timeout-Ms, or send the body faster.',
      headers: { Connection: 'close' },
    },
  );
}

function brokenOff(): Problem {
  return new Problem('bad-request', 'The body broke off before its end. Nothing was stored.');
}
