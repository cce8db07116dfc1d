/**
 * Sends a reply, and sees to what is left of the request: a body that nobody has read is read for a moment after the answer,
 * because to close a connection on which bytes still come would take the answer from a client that is only sending.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Reply } from './reply.ts';
import { endAfterTurn } from './turn-end.ts';

/** What of an unwanted body is read, in milliseconds and bytes; then the connection is closed. */
const READ_ON_MS = 500;
const READ_ON_BYTES = 64 * 1024 * 1024;

/** Ends the answer, at the end of the turn; gives the bytes of its body. Throws if a header cannot be sent; nothing has left then. */
export function sendReply(incoming: IncomingMessage, outgoing: ServerResponse, reply: Reply): number {
  const { status, headers, body } = reply;
  const bytes = lengthOf(body);
  // Without a length Node would announce chunks.
  if (status !== 204 && status !== 304) headers['Content-Length'] = String(bytes);
  if (hasBody(incoming) && !incoming.readableEnded) outgoing.once('finish', () => readOn(incoming));
  outgoing.writeHead(status, headers);
  // HEAD has the headers of GET, its length included, and no body.
  const hasNone = body === null || incoming.method === 'HEAD';
  endAfterTurn(outgoing, hasNone ? undefined : body);
  return hasNone ? 0 : bytes;
}

/** Bytes of a body. */
export function lengthOf(body: Reply['body']): number {
  if (body === null) return 0;
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function readOn(incoming: IncomingMessage): void {
  if (incoming.destroyed || incoming.readableEnded) return;
  let bytes = 0;
  const stop = (): void => {
    clearTimeout(timer);
    incoming.off('data', onData).off('end', stop).off('close', stop);
  };
  const giveUp = (): void => {
    stop();
    incoming.socket.destroySoon();
  };
  const timer = setTimeout(giveUp, READ_ON_MS);
  const onData = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    if (bytes > READ_ON_BYTES) giveUp();
  };
  incoming.on('data', onData).on('end', stop).on('close', stop);
  incoming.on('error', ignore).resume();
}

/** The connection has broken: nothing is left to be read. */
function ignore(): void {}
