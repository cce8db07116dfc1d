/**
 * Bounds what is kept for clients that do not read their answers. An operation is over when its answer is handed to the operating
 * system, which takes some megabytes for a client that does not read and leaves the rest here, one answer for each connection: for
 * as long as that lasts nothing else would count it.
 */
import type { ServerResponse } from 'node:http';

/** Bytes of answers on their way at which no operation is begun: some of the largest records. */
const MAX_UNSENT_BYTES = 256 * 1024 * 1024;
/** The operating system takes shorter ones at once. */
const LONG_ANSWER_BYTES = 64 * 1024;

export class UnsentAnswers {
  #bytes = 0;

  /** Counts an answer until its last byte was taken, or its connection has ended. */
  add(outgoing: ServerResponse, bytes: number): void {
    // Of one whose client has gone meanwhile nothing is kept, and nothing tells of its end any more.
    if (bytes < LONG_ANSWER_BYTES || outgoing.destroyed) return;
    this.#bytes += bytes;
    outgoing.once('close', () => {
      this.#bytes -= bytes;
    });
  }

  /** Why no operation is begun; undefined if it is. */
  get overload(): string | undefined {
    if (this.#bytes < MAX_UNSENT_BYTES) return undefined;
    return `${Math.round(this.#bytes / 1e6)} MB of answers wait on this node for clients that read them slowly, which is its limit.`;
  }
}
