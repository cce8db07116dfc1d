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
  readonly bytes: number;
  onAnswer: OnAnswer | undefined;
}

interface Waiting {
  readonly id: number;
  readonly encode: () => Uint8Array;
  readonly sent: Sent;
}

export class PendingRequests {
  readonly #sent = new Map<number, Sent>();
  #waiting: Waiting[] = [];
  /** Bytes of all requests in both tables: what the peer has not answered it may still hold in its memory. */
  #bytes = 0;
  #nextId = 0;

  /** Whether a reply is owed. */
  get isOwed(): boolean {
    return this.#sent.size > 0;
  }

  get isFull(): boolean {
    return this.#sent.size + this.#waiting.length >= MAX_PEER_REQUESTS || this.#bytes > MAX_PEER_QUEUE_BYTES;
  }

  takeId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** Notes a request that leaves now. Answers how to give it up. */
  addSent(id: number, type: PeerRequest['type'], bytes: number, onAnswer: OnAnswer): () => void {
    const sent = this.#add(type, bytes, onAnswer);
    this.#sent.set(id, sent);
    return () => {
      sent.onAnswer = undefined;
    };
  }

  /** Keeps a request until `takeWaiting`, which has it encoded anew. Answers how to give it up. */
  addWaiting(
    id: number,
    type: PeerRequest['type'],
    encode: () => Uint8Array,
    onAnswer: OnAnswer,
  ): () => void {
    const sent = this.#add(type, encode().length, onAnswer);
    this.#waiting.push({ id, encode, sent });
    return () => {
      sent.onAnswer = undefined;
    };
  }

  /** Moves what waits to what is sent, and gives its messages, without those that were given up. */
  takeWaiting(): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (const { id, encode, sent } of this.#clearWaiting()) {
      if (sent.onAnswer === undefined) {
        this.#bytes -= sent.bytes;
        continue;
      }
      this.#sent.set(id, sent);
      messages.push(encode());
    }
    return messages;
  }

  /** Hands a reply to whoever waits for it. Answers false if no request of ours has this number and kind. */
  settle(id: number, reply: PeerReply): boolean {
    const sent = this.#sent.get(id);
    if (sent === undefined || (reply.type !== sent.type && reply.type !== 'request-refused')) return false;
    this.#sent.delete(id);
    this.#bytes -= sent.bytes;
    sent.onAnswer?.({ type: 'reply', reply });
    return true;
  }

  /** Ends everything: what was sent is lost, what waits was never sent. */
  failAll(reason: string): void {
    const sent = [...this.#sent.values()];
    const waiting = this.#clearWaiting();
    this.#sent.clear();
    this.#bytes = 0;
    for (const { onAnswer } of sent) onAnswer?.({ type: 'lost', reason });
    for (const { sent: never } of waiting) never.onAnswer?.({ type: 'not-sent', reason });
  }

  #add(type: PeerRequest['type'], bytes: number, onAnswer: OnAnswer): Sent {
    this.#bytes += bytes;
    return { type, bytes, onAnswer };
  }

  #clearWaiting(): readonly Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
