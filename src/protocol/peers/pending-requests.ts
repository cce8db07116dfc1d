/**
 * Requests to one peer: those that wait for the connection to stand, and those that were sent and wait for a reply.
 *
 * A request that was given up stays in the table until its reply or the end of the connection: its number must not be
 * taken for unknown, and it still counts as something that the peer owes.
 */
import { MAX_PEER_QUEUE_BYTES, MAX_PEER_REQUESTS } from '../../core/limits.ts';
import type { PeerReply, PeerRequest } from '../../core/message.ts';

export type PeerAnswer =
  | { readonly type: 'reply'; readonly reply: PeerReply }
  /** Certainly not delivered, now or later. */
  | { readonly type: 'not-sent'; readonly reason: string }
  /** The connection broke after it was sent: it may have been carried out. */
  | { readonly type: 'lost'; readonly reason: string };

export type OnAnswer = (answer: PeerAnswer) => void;

interface Sent {
  readonly type: PeerRequest['type'];
  onAnswer: OnAnswer | undefined;
}

interface Waiting extends Sent {
  readonly id: number;
  readonly message: Uint8Array;
}

export class PendingRequests {
  readonly #sent = new Map<number, Sent>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #nextId = 0;

  /** Whether a reply is owed. */
  get isOwed(): boolean {
    return this.#sent.size > 0;
  }

  get isFull(): boolean {
    return (
      this.#sent.size + this.#waiting.length >= MAX_PEER_REQUESTS || this.#waitingBytes > MAX_PEER_QUEUE_BYTES
    );
  }

  takeId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** Notes a request that leaves now. Answers how to give it up. */
  addSent(id: number, type: PeerRequest['type'], onAnswer: OnAnswer): () => void {
    const sent: Sent = { type, onAnswer };
    this.#sent.set(id, sent);
    return () => {
      sent.onAnswer = undefined;
    };
  }

  /** Keeps a request until `takeWaiting`. Answers how to give it up. */
  addWaiting(id: number, type: PeerRequest['type'], message: Uint8Array, onAnswer: OnAnswer): () => void {
    const waiting: Waiting = { id, type, message, onAnswer };
    this.#waiting.push(waiting);
    this.#waitingBytes += message.length;
    return () => {
      waiting.onAnswer = undefined;
    };
  }

  /** Moves what waits to what is sent, and gives its messages, without those that were given up. */
  takeWaiting(): readonly Uint8Array[] {
    const alive = this.#clearWaiting().filter(({ onAnswer }) => onAnswer !== undefined);
    for (const waiting of alive) this.#sent.set(waiting.id, waiting);
    return alive.map(({ message }) => message);
  }

  /** Hands a reply to whoever waits for it. Answers false if no request of ours has this number and kind. */
  settle(id: number, reply: PeerReply): boolean {
    const sent = this.#sent.get(id);
    if (sent === undefined || (reply.type !== sent.type && reply.type !== 'request-refused')) return false;
    this.#sent.delete(id);
    sent.onAnswer?.({ type: 'reply', reply });
    return true;
  }

  /** Ends everything: what was sent is lost, what waits was never sent. */
  failAll(reason: string): void {
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    const waiting = this.#clearWaiting();
    for (const { onAnswer } of sent) onAnswer?.({ type: 'lost', reason });
    for (const { onAnswer } of waiting) onAnswer?.({ type: 'not-sent', reason });
  }

  #clearWaiting(): readonly Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }
}
