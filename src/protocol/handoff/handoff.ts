/**
 * Hinted handoff (Dynamo, section 4.6): what this node keeps for a home replica goes to it when it is back. A hint is
 * dropped only when its owner has acknowledged the record durably, and as often as it takes is tried for ever: a hint never
 * expires. The record travels as an ordinary `store`, so it is joined there like any other. One that was found where it does not
 * belong goes from there only when all its home replicas agree (agreement.ts).
 *
 * The hints of an owner are gone through page by page, a few records at once, paced by the foreground. What could not be
 * delivered is left for the next round.
 */
import { recordDigest } from '../../codec/record-codec.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import {
  HANDOFF_AFTER_RETURN_MS,
  HANDOFF_CONCURRENCY,
  HANDOFF_RETRY_FIRST_MS,
  HANDOFF_RETRY_LAST_MS,
} from '../../core/limits.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { Pace } from '../background/pace.ts';
import { askPeer } from '../background/peer-question.ts';
import type { InFlight } from '../in-flight.ts';
import type { Peers } from '../peers/peers.ts';
import type { LocalReplica } from '../replica/local-replica.ts';
import { allHold } from './agreement.ts';
import type { HintedRecords } from './hinted-records.ts';
import type { HintStore } from './hint-store.ts';

export interface HandoffPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly tracer: Tracer;
  readonly peers: Peers;
  readonly local: LocalReplica;
  readonly hints: HintStore;
  readonly hinted: HintedRecords;
  readonly inFlight: InFlight;
  /** Whether hints are delivered; so they are if this is not set. */
  readonly handoff?: boolean;
  /** How long a step of the foreground takes now, milliseconds. */
  readonly foregroundMs: () => number;
}

/** What is under way for one owner. */
interface Delivery {
  timer?: Timer | undefined;
  running?: Promise<void> | undefined;
  /** Rounds in a row that came to nothing. */
  failures: number;
}

export class Handoff {
  readonly #ports: HandoffPorts;
  readonly #pace: Pace;
  readonly #deliveries = new Map<NodeId, Delivery>();

  constructor(ports: HandoffPorts) {
    this.#ports = ports;
    this.#pace = new Pace(ports.clock, ports.foregroundMs);
  }

  /** The owner came up, or a hint was stored for it: its hints are delivered soon if it can be reached. */
  soon(owner: NodeId): void {
    const delivery = this.#deliveries.get(owner) ?? { failures: 0 };
    this.#deliveries.set(owner, delivery);
    this.#schedule(owner, delivery, HANDOFF_AFTER_RETURN_MS);
  }

  /** The owner came up: whatever went wrong before is over. */
  peerUp(owner: NodeId): void {
    const delivery = this.#deliveries.get(owner);
    if (delivery !== undefined) {
      delivery.failures = 0;
      delivery.timer?.cancel();
      delivery.timer = undefined;
    }
    this.soon(owner);
  }

  /** Begins nothing any more. Resolves when what runs has ended; it may wait for a peer until the peers are closed. */
  async close(): Promise<void> {
    this.#pace.close();
    for (const { timer } of this.#deliveries.values()) timer?.cancel();
    await Promise.all([...this.#deliveries.values()].map(async ({ running }) => running));
  }

  /** Half of the time is fixed and as much drawn on average, so that all who keep something for one owner do not act in step. */
  #schedule(owner: NodeId, delivery: Delivery, delayMs: number): void {
    const { clock, random, hints, handoff } = this.#ports;
    if (handoff === false || this.#pace.isClosed || hints.countOf(owner) === 0 || !this.#isUp(owner)) return;
    if (delivery.timer !== undefined || delivery.running !== undefined) return;
    delivery.timer = clock.setTimer(delayMs * (0.5 + random.fraction()), () => {
      delivery.timer = undefined;
      if (hints.countOf(owner) > 0 && this.#isUp(owner)) this.#begin(owner, delivery);
    });
  }

  #begin(owner: NodeId, delivery: Delivery): void {
    delivery.running = this.#round(owner).then((isGood) => {
      delivery.running = undefined;
      delivery.failures = isGood ? 0 : delivery.failures + 1;
      const backoffMs = HANDOFF_RETRY_FIRST_MS * 2 ** Math.min(delivery.failures - 1, 16);
      // What was stored meanwhile, or could not be delivered, is next; a peer that is down calls for it when it comes up.
      this.#schedule(
        owner,
        delivery,
        isGood ? HANDOFF_AFTER_RETURN_MS : Math.min(backoffMs, HANDOFF_RETRY_LAST_MS),
      );
    });
  }

  /** Resolves to whether all went well. Never rejects. */
  async #round(owner: NodeId): Promise<boolean> {
    const { clock, tracer, hints } = this.#ports;
    const startMs = clock.nowMs();
    const came = { delivered: 0, failed: 0 };
    let isWhole = true;
    try {
      isWhole = await this.#deliverAll(owner, came);
    } catch {
      // The own disk cannot be read: what it holds is still there, and is delivered when it can be.
      isWhole = false;
    }
    tracer.trace({
      type: 'handoff',
      owner,
      ...came,
      left: hints.countOf(owner),
      ms: clock.nowMs() - startMs,
    });
    return isWhole && came.failed === 0;
  }

  /** Resolves to false if it had to stop. */
  async #deliverAll(owner: NodeId, came: { delivered: number; failed: number }): Promise<boolean> {
    const { hints, inFlight } = this.#ports;
    let next: Uint8Array | undefined;
    do {
      const page = await hints.page(owner, next);
      for (let start = 0; start < page.entries.length; start += HANDOFF_CONCURRENCY) {
        if (this.#pace.isClosed || !this.#isUp(owner)) return false;
        const some = page.entries.slice(start, start + HANDOFF_CONCURRENCY);
        const results = await Promise.all(
          some.map((entry) => inFlight.track(() => this.#deliver(owner, entry))),
        );
        came.delivered += results.filter((isDelivered) => isDelivered).length;
        came.failed += results.filter((isDelivered) => !isDelivered).length;
        await this.#pace.pause();
      }
      next = page.next;
    } while (next !== undefined);
    return true;
  }

  /** Resolves to whether the hint is gone. Never rejects. */
  async #deliver(owner: NodeId, entry: EntryName): Promise<boolean> {
    const { local, hinted } = this.#ports;
    try {
      const own = await local.held(entry);
      if (own.type === 'absent') return (await hinted.release(owner, entry, undefined)) === 'gone';
      if (own.type !== 'found') {
        await this.#heal(owner, entry);
        return false;
      }
      const request = { type: 'store', ...entry, record: own.record } as const;
      const { reply } = await askPeer({ ...this.#ports, pace: this.#pace }, owner, request);
      return reply.type === 'stored' && (await this.#release(owner, entry, own.record));
    } catch {
      return false;
    }
  }

  /** The owner has the record durably. Resolves to whether the hint is gone. Rejects if somebody who must agree cannot be asked. */
  async #release(owner: NodeId, entry: EntryName, record: Uint8Array): Promise<boolean> {
    const { hinted } = this.#ports;
    const digest = recordDigest(record);
    const released = await hinted.release(owner, entry, digest);
    if (released !== 'not-agreed') return released === 'gone';
    const ports = { ...this.#ports, pace: this.#pace };
    if (!(await allHold(ports, hinted.homesOf(entry, record), entry, record))) return false;
    return (await hinted.release(owner, entry, digest, true)) === 'gone';
  }

  /**
   * What this node keeps cannot be read. If it is damaged for good, what its home replicas hold takes its place, and is
   * delivered in the next round: else the hint would never end. What only this node had is lost with its disk; that it may be
   * is counted as a loss (LocalReplica.store).
   */
  async #heal(owner: NodeId, entry: EntryName): Promise<void> {
    const { local, peers } = this.#ports;
    const ports = { ...this.#ports, pace: this.#pace };
    for (const peer of [owner, ...peers.others.filter((other) => other !== owner && this.#isUp(other))]) {
      const { reply } = await askPeer(ports, peer, { type: 'read', ...entry, known: undefined });
      if (reply.type !== 'found') continue;
      await local.store({ type: 'store', ...entry, record: reply.record });
      return;
    }
  }

  #isUp(owner: NodeId): boolean {
    return this.#ports.peers.state(owner) === 'up';
  }
}
