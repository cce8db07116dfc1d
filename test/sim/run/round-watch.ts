/**
 * Looks at what nodes say to each other in the rounds of conditional writes, and counts the things that have to happen now and
 * then: without duels, dirty rejects and rounds that somebody else finishes a run shows little.
 */
import { decodeMessage, type PeerMessage } from '../../../src/codec/message-codec.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import { paxosDot, sameDot } from '../../../src/core/causality/dot.ts';
import type { PaxosAccept, PaxosReply } from '../../../src/core/paxos/peer-messages.ts';
import type { RunLog } from './run-log.ts';

type PeerReply = Extract<PeerMessage, { readonly type: 'reply' }>['reply'];

export class RoundWatch {
  readonly #log: RunLog;
  /** Clients that wait for an answer now. */
  readonly #waiting: () => number;
  readonly #prepares = new Map<string, number>();
  /** Ballots of accepts that were looked at: each is sent to several nodes. */
  readonly #seen = new Set<string>();

  constructor(log: RunLog, waiting: () => number) {
    this.#log = log;
    this.#waiting = waiting;
  }

  /** How many PREPAREs of a key have come anywhere. */
  preparesOf(key: string): number {
    return this.#prepares.get(key) ?? 0;
  }

  delivered(frame: Uint8Array): void {
    let message: PeerMessage;
    try {
      message = decodeMessage(frame);
    } catch {
      // A part of a longer message.
      return;
    }
    if (message.type === 'reply') this.#reply(message.reply);
    if (message.type !== 'request') return;
    const { request } = message;
    if (request.type === 'paxos-prepare') this.#prepares.set(request.key, this.preparesOf(request.key) + 1);
    if (request.type === 'paxos-admit') this.#log.count('paxos-admit');
    if (request.type === 'paxos-accept') this.#accept(request);
  }

  #reply(reply: PeerReply): void {
    if (reply.type === 'read' && 'hasUnfinishedRound' in reply.reply)
      this.#log.count('unfinished-round-read');
    if (reply.type.startsWith('paxos-')) this.#paxosReply(reply as PaxosReply);
  }

  #paxosReply({ reply }: PaxosReply): void {
    if (reply.type === 'rejected') this.#log.count(`refused-${reply.reason}`);
  }

  #accept({ bucket, key, ballot, object, next }: PaxosAccept): void {
    if (this.#seen.has(ballot)) return;
    this.#seen.add(ballot);
    const siblings = object === undefined ? [] : decodeRecord({ bucket, key }, object).siblings;
    const isIdentity = !siblings.some(({ dot }) => sameDot(dot, paxosDot(ballot)));
    this.#log.count(isIdentity ? 'identity-round' : 'write-round');
    if (next !== undefined) this.#log.count('granting-round');
    // Nobody asked for it.
    if (isIdentity && this.#waiting() === 0) this.#log.count('swept');
  }
}
