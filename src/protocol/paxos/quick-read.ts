/**
 * A linearizable read in one round trip (core/paxos/linearizable-read.ts). The own acceptor is asked first, so that others that
 * hold the same answer with a digest. Then as many as make a quorum, and the rest only if these are late or do not agree.
 */
import { decodeRecord } from '../../codec/record-codec.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { BucketMode } from '../../core/cluster-config.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { GATHER_PROMISES_MS, HEDGE_DELAY_MS } from '../../core/limits.ts';
import { type ComparedView, LinearizableRead } from '../../core/paxos/linearizable-read.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import type { EncodedView, PaxosReply } from '../../core/paxos/peer-messages.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Acceptors } from './acceptors.ts';

export interface QuickReadPorts {
  readonly acceptors: Acceptors;
  readonly clock: Clock;
}

export interface QuickReadTarget {
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
  readonly voters: Voters;
  readonly mode: BucketMode;
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
  /** Those that are not asked yet, the likeliest to answer first. */
  #rest: readonly NodeId[] = [];
  /** Digest of what this node holds. */
  #ownDigest: Uint8Array | undefined;
  #asked = 0;
  #answers = 0;
  #isGathering = false;
  #isEnded = false;
  readonly #timers: Timer[] = [];

  constructor(ports: QuickReadPorts, target: QuickReadTarget, resolve: (end: QuickReadEnd) => void) {
    this.#ports = ports;
    this.#target = target;
    this.#resolve = resolve;
    this.#read = new LinearizableRead({ ...target, acceptors: target.homes });
  }

  start(): void {
    const { acceptors } = this.#ports;
    const { homes, limitMs, quorum } = this.#target;
    this.#after(limitMs, () => this.#end({ type: 'round-needed' }));
    const { self } = acceptors;
    const others = homes.filter((node) => node !== self);
    const isUp = (node: NodeId): boolean => acceptors.isUp(node);
    this.#rest = [...others.filter(isUp), ...others.filter((node) => !isUp(node))];
    this.#ask(self, undefined, (own) => {
      this.#ownDigest = own?.digest;
      this.#askRest(quorum - 1);
      this.#after(HEDGE_DELAY_MS, () => this.#askRest());
    });
  }

  #after(ms: number, action: () => void): void {
    if (!this.#isEnded) this.#timers.push(this.#ports.clock.setTimer(ms, action));
  }

  #askRest(count = this.#rest.length): void {
    if (this.#isEnded) return;
    const nodes = this.#rest.slice(0, count);
    this.#rest = this.#rest.slice(count);
    for (const node of nodes) this.#ask(node, this.#ownDigest, () => {});
  }

  #ask(node: NodeId, known: Uint8Array | undefined, then: (view: EncodedView | undefined) => void): void {
    const { bucket, key } = this.#target.entry;
    this.#asked += 1;
    const request = { type: 'paxos-read', bucket, key, voters: this.#target.voters, known } as const;
    this.#ports.acceptors.ask(node, request, (reply) => {
      const view = viewIn(reply);
      const verdict = this.#read.onReply(node, view === undefined ? undefined : this.#kept(node, view));
      then(view);
      if (verdict.type === 'settled') this.#settled(verdict.node);
      else if (verdict.type === 'round-needed') this.#end(verdict);
      else this.#disagreed();
    });
  }

  /**
   * Those beyond the quorum may agree with one side. But when a quorum has answered, one that is silent is not worth waiting for, as
   * the others can have a round.
   */
  #disagreed(): void {
    this.#answers += 1;
    if (this.#answers === this.#asked) this.#askRest();
    if (this.#isGathering || this.#digests.size < this.#target.quorum) return;
    this.#isGathering = true;
    this.#after(GATHER_PROMISES_MS, () => this.#end({ type: 'round-needed' }));
  }

  #kept(
    node: NodeId,
    { voters, promised, accepted, chosen, digest: bytes, record }: EncodedView,
  ): ComparedView {
    const digest = bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
    this.#digests.set(node, digest);
    if (record !== undefined) this.#records.set(digest, record);
    return { voters, promised, accepted, chosen, digest };
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
    this.#isEnded = true;
    for (const timer of this.#timers) timer.cancel();
    this.#resolve(end);
  }
}

function viewIn(reply: PaxosReply | undefined): EncodedView | undefined {
  return reply?.type === 'paxos-read' && reply.reply.type === 'key-view' ? reply.reply : undefined;
}
