/**
 * Brings one record to its home replicas and waits until W positions of its preference list hold it durably (Dynamo,
 * sections 4.5 and 4.6). The whole joined record travels, never the request: whoever stores it holds a result, and a result
 * can be joined anywhere, any number of times.
 *
 * Under a sloppy quorum a fallback stands in for a home replica that is suspected, that fails, or that is silent while W is
 * not reached: the next node of the list that is up and not needed elsewhere. It gets the same record with a hint; one that
 * fails is followed by the next. A home replica that fails after W was reached still gets its hint, if there is time.
 *
 * Acknowledgements are counted by position, so W of them are W distinct nodes. What is not acknowledged at the deadline may
 * still arrive: a failure is `unknown`.
 */
import type { EntryName, NodeId } from '../../core/ids.ts';
import { STAND_IN_AFTER_MS } from '../../core/limits.ts';
import type { StoreReply } from '../../core/message.ts';
import type { Failure, ReplicaResult } from '../../core/outcome.ts';
import { WritePositions } from '../../core/quorum/write-positions.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import type { Clock } from '../../ports/clock.ts';
import type { InFlight, Leave } from '../in-flight.ts';
import type { NoReply, Replicas } from '../replica/replicas.ts';
import type { Deadline } from './deadline.ts';

export interface SpreadTarget {
  readonly entry: EntryName;
  readonly nodes: PreferredNodes;
  readonly record: Uint8Array;
  readonly w: number;
  readonly deadline: Deadline;
  /** The home replica that this node, being none, keeps the record for already. */
  readonly ownHintFor?: NodeId | undefined;
}

/** W positions hold the record durably. */
export interface SpreadDone {
  readonly type: 'spread';
  /** Home replicas that do. */
  readonly stored: readonly NodeId[];
  /** Positions that do. */
  readonly acks: number;
  /** Whether one of them is filled by a fallback only. */
  readonly sloppy: boolean;
}

export interface SpreadPorts {
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly inFlight: InFlight;
}

export class Spread {
  readonly #replicas: Replicas;
  readonly #target: SpreadTarget;
  readonly #positions: WritePositions;
  readonly #onEnd: (result: SpreadDone | Failure) => void;
  /** Home replicas that a stand-in is wanted for. */
  readonly #wanted = new Set<NodeId>();
  readonly #leave: Leave;
  #stopTimers: () => void;
  #answered = false;
  #ended = false;

  /** `onEnd` is called once: when W positions hold the record, or cannot any more, or at the deadline. */
  constructor(
    { replicas, clock, inFlight }: SpreadPorts,
    target: SpreadTarget,
    onEnd: (result: SpreadDone | Failure) => void,
  ) {
    this.#replicas = replicas;
    this.#target = target;
    this.#onEnd = onEnd;
    this.#leave = inFlight.enter();
    const { nodes, w, deadline, ownHintFor } = target;
    this.#positions = new WritePositions(nodes, w);
    if (ownHintFor !== undefined) this.#positions.standIn(replicas.self, ownHintFor);
    this.#stopTimers = deadline.onPassed(() => this.#passed());
    if (nodes.fallbacks.length > 0) this.#watchSilence(clock);
  }

  /** Sends the record to all home replicas, and to stand-ins for those that may not answer. `except`: it stores it by itself. */
  begin(except?: NodeId): void {
    const { homes, fallbacks } = this.#target.nodes;
    const { self } = this.#replicas;
    for (const home of homes) if (home !== except) this.#sendTo(home);
    if (fallbacks.length === 0) return;
    for (const home of homes) {
      if (home !== self && this.#replicas.state(home) === 'suspected') this.#wanted.add(home);
    }
    this.#cover();
  }

  /** Notes what a node came to that was asked for this write. */
  settle(node: NodeId, result: ReplicaResult): void {
    if (this.#ended || !this.#positions.settle(node, result, this.#target.deadline.elapsedMs)) return;
    if (result !== 'ok') this.#wanted.add(this.#positions.homeOf(node) ?? node);
    this.#cover();
    if (!this.#answered && this.#positions.verdict !== 'open') this.#answer();
    // Strictly, nothing more is done once the client has its answer.
    if (this.#answered && (this.#positions.outstanding === 0 || !this.#isSloppy)) this.#end();
  }

  get #isSloppy(): boolean {
    return this.#target.nodes.fallbacks.length > 0;
  }

  #sendTo(node: NodeId, hintFor?: NodeId): void {
    const {
      entry: { bucket, key },
      record,
    } = this.#target;
    const request = { type: 'store', bucket, key, record } as const;
    this.#replicas.store(node, hintFor === undefined ? request : { ...request, hintFor }, (reply) =>
      this.settle(node, resultOf(reply)),
    );
  }

  /** Finds a stand-in for each home replica that wants one and has none that may still store the record. */
  #cover(): void {
    for (const home of this.#wanted) {
      if (!this.#positions.needsStandIn(home)) continue;
      const fallback = this.#positions.freeFallbacks.find((node) => this.#replicas.state(node) === 'up');
      if (fallback === undefined) return;
      this.#positions.standIn(fallback, home);
      this.#sendTo(fallback, home);
    }
  }

  #watchSilence(clock: Clock): void {
    const { deadline } = this.#target;
    const stopDeadline = this.#stopTimers;
    const timer = clock.setTimer(Math.min(STAND_IN_AFTER_MS, deadline.leftMs / 2), () => {
      if (this.#answered) return;
      for (const home of this.#positions.silentHomes) {
        if (home !== this.#replicas.self) this.#wanted.add(home);
      }
      this.#cover();
    });
    this.#stopTimers = () => {
      stopDeadline();
      timer.cancel();
    };
  }

  #passed(): void {
    if (!this.#answered) this.#answer();
    this.#end();
  }

  #answer(): void {
    this.#answered = true;
    this.#onEnd(this.#positions.verdict === 'reached' ? this.#done() : this.#failure());
  }

  #end(): void {
    this.#ended = true;
    this.#stopTimers();
    this.#leave();
  }

  #done(): SpreadDone {
    const { homes } = this.#target.nodes;
    return {
      type: 'spread',
      stored: homes.filter((home) => this.#positions.hasStored(home)),
      acks: this.#positions.counted,
      sloppy: this.#positions.isSloppy,
    };
  }

  #failure(): Failure {
    const { w, deadline, nodes } = this.#target;
    const { counted } = this.#positions;
    const who = this.#isSloppy ? 'home replicas, or their stand-ins,' : 'home replicas';
    return {
      type: 'failed',
      code: 'quorum-timeout',
      certainty: 'unknown',
      detail: `${counted} of ${nodes.homes.length} ${who} confirmed the write, but W is ${w}.`,
      required: w,
      received: counted,
      replicas: this.#positions.reports(deadline.elapsedMs),
    };
  }
}

function resultOf(reply: StoreReply | NoReply): ReplicaResult {
  switch (reply.type) {
    case 'stored':
      return 'ok';
    case 'store-refused':
      return 'refused';
    case 'no-reply':
      return reply.result;
  }
}
