/**
 * A linearizable read in one round trip (core/paxos/linearizable-read.ts). The own acceptor is asked first, so that others that
 * hold the same answer with a digest.
 */
import { decodeRecord } from '../../codec/record-codec.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { type ComparedView, LinearizableRead } from '../../core/paxos/linearizable-read.ts';
import { GATHER_PROMISES_MS } from '../../core/limits.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import type { EncodedView, PaxosReply } from '../../core/paxos/peer-messages.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Acceptors } from './acceptors.ts';

export interface QuickReadPorts {
  readonly acceptors: Acceptors;
  readonly clock: Clock;
}

export interface QuickReadTarget {
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
  readonly voters: Voters;
  readonly quorum: number;
  /** Milliseconds to wait for answers. */
  readonly limitMs: number;
}

/** `settled`: that is the key's object; undefined if it is nothing. `round-needed`: only a round can tell. */
export type QuickReadEnd =
  | { readonly type: 'settled'; readonly record: KeyRecord | undefined }
  | { readonly type: 'round-needed' };

/** Never rejects. */
export function readQuickly(ports: QuickReadPorts, target: QuickReadTarget): Promise<QuickReadEnd> {
  return new Promise((resolve) => new QuickRead(ports, target, resolve).start());
}

class QuickRead {
  readonly #ports: QuickReadPorts;
  readonly #target: QuickReadTarget;
  readonly #resolve: (end: QuickReadEnd) => void;
  readonly #read: LinearizableRead;
  /** By their digests. */
  readonly #records = new Map<string, Uint8Array>();
  readonly #digests = new Map<NodeId, string>();
  #stopTimer: () => void = () => {};
  /** Whether nothing starts its timer any more. */
  #isGathering = false;

  constructor(ports: QuickReadPorts, target: QuickReadTarget, resolve: (end: QuickReadEnd) => void) {
    this.#ports = ports;
    this.#target = target;
    this.#resolve = resolve;
    this.#read = new LinearizableRead(target.voters, target.homes, target.quorum);
  }

  start(): void {
    const { acceptors, clock } = this.#ports;
    const { homes, limitMs } = this.#target;
    const timer = clock.setTimer(limitMs, () => this.#end({ type: 'round-needed' }));
    this.#stopTimer = () => timer.cancel();
    const { self } = acceptors;
    this.#ask(self, undefined, (own) => {
      for (const node of homes) if (node !== self) this.#ask(node, own?.digest, () => {});
    });
  }

  #ask(node: NodeId, known: Uint8Array | undefined, then: (view: EncodedView | undefined) => void): void {
    const { bucket, key } = this.#target.entry;
    const request = { type: 'paxos-read', bucket, key, voters: this.#target.voters, known } as const;
    this.#ports.acceptors.ask(node, request, (reply) => {
      const view = viewIn(reply);
      const verdict = this.#read.onReply(node, view === undefined ? undefined : this.#kept(node, view));
      then(view);
      if (verdict.type === 'settled') this.#settled(verdict.node);
      else if (verdict.type === 'round-needed') this.#end(verdict);
      else if (this.#digests.size >= this.#target.quorum) this.#gather();
    });
  }

  /** A quorum has answered, and does not agree: one that is silent is not worth waiting for, as they can have a round. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#stopTimer();
    const waitMs = Math.min(this.#target.limitMs, GATHER_PROMISES_MS);
    const timer = this.#ports.clock.setTimer(waitMs, () => this.#end({ type: 'round-needed' }));
    this.#stopTimer = () => timer.cancel();
  }

  #kept(node: NodeId, { voters, promised, accepted, digest: bytes, record }: EncodedView): ComparedView {
    const digest = bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
    this.#digests.set(node, digest);
    if (record !== undefined) this.#records.set(digest, record);
    return { voters, promised, accepted, digest };
  }

  #settled(node: NodeId): void {
    const digest = this.#digests.get(node) as string;
    const encoded = this.#records.get(digest);
    if (digest === '') this.#end({ type: 'settled', record: undefined });
    else if (encoded === undefined) this.#end({ type: 'round-needed' });
    else this.#decode(encoded);
  }

  #decode(encoded: Uint8Array): void {
    try {
      this.#end({ type: 'settled', record: decodeRecord(this.#target.entry, encoded) });
    } catch {
      this.#end({ type: 'round-needed' });
    }
  }

  #end(end: QuickReadEnd): void {
    this.#isGathering = true;
    this.#stopTimer();
    this.#resolve(end);
  }
}

function viewIn(reply: PaxosReply | undefined): EncodedView | undefined {
  return reply?.type === 'paxos-read' && reply.reply.type === 'key-view' ? reply.reply : undefined;
}
