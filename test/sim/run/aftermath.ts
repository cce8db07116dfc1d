/**
 * What follows when everything works again: clients are answered, reads of all replicas bring these together, nothing
 * acknowledged is missing, nothing is different after all processes started again, and an idle node holds nothing.
 */
import { decodeRecord, largestNOf, recordDigest } from '../../../src/codec/record-codec.ts';
import { joinRecords } from '../../../src/core/causality/join.ts';
import { visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import type { PutOutcome, ReadOutcome } from '../../../src/core/outcome.ts';
import { eventOf, valueOf } from '../checkers/dots.ts';
import type { WriteEvent } from '../checkers/history.ts';
import {
  checkNoFalseSiblings,
  checkNotApplied,
  checkNothingLost,
  checkNotRevived,
} from '../checkers/knowledge.ts';
import {
  checkAllAnswered,
  checkAllUp,
  checkNothingLeft,
  checkServed,
  type LeftOver,
} from '../checkers/progress.ts';
import { checkConverged, checkHandedOver } from '../checkers/replicas.ts';
import type { SimNode } from '../world/sim-cluster.ts';
import { BUCKET } from './client-sessions.ts';
import { outcomeOf, type Reply } from './simulated-client.ts';
import type { WorkloadParts } from './workload.ts';

/** After healing: backoffs, half-open connections and silences end. Virtual milliseconds. */
const HEAL_MS = 60_000;
/** After that: what could not be delivered is tried again after up to 90 s. Virtual milliseconds. */
const HANDOFF_MS = 200_000;
/** Trees that do not fit are built anew after a minute, and each pair of nodes has its turn. Virtual milliseconds. */
const EXCHANGES_MS = 300_000;
const READ_TIMEOUT_MS = 10_000;
/** Longer than any deadline of what ran before, and than a peer's silence is watched. Virtual milliseconds. */
const QUIET_MS = 20_000;
/** Between two looks at the timers that are set. Virtual milliseconds. */
const LOOK_AGAIN_MS = 700;
const TIMER_LOOKS = 8;
const CLOSE_GRACE_MS = 30_000;
/** Events of the last writes; far above those of the plan. */
const FIRST_LAST_WRITE = 1_000_000;

export class Aftermath {
  readonly #parts: WorkloadParts;
  readonly #nodeIds: readonly NodeId[];
  #open = 0;
  #isRestarted = false;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
    this.#nodeIds = [...parts.world.nodes.keys()];
  }

  /** Waits until everything that was broken has been noticed and mended. `open`: operations that run. */
  async settle(open: () => number): Promise<void> {
    await this.#runFor(HEAL_MS);
    if (this.#isOver) return;
    const { log, world } = this.#parts;
    log.report(checkAllAnswered(open()));
    await this.#handOver();
    log.report(checkAllUp(new Map([...world.nodes.values()].map(({ id, isUp }) => [id, isUp]))));
  }

  /**
   * Reads of all home replicas of every key, through every node: what differs is repaired. The first round is not judged: it
   * may be what finds out that a connection has been dead for a while.
   */
  async converge(): Promise<void> {
    for (const round of [0, 1, 2]) {
      for (const key of this.#parts.plan.options.keys) {
        for (const node of this.#nodeIds) this.#readAll(key, node, round);
        await this.#runFor(500);
      }
      await this.#runFor(5_000);
    }
    // What no read repairs is left to the exchanges, which take their time.
    if (this.#converges && !this.#parts.plan.options.repairs.readRepair)
      await this.#runUntil(EXCHANGES_MS, () => this.#hasConverged());
  }

  /**
   * All home replicas hold one record; nothing acknowledged is missing from it. Answers what each key shows. Where nothing
   * brings replicas together, or nothing brings home what is kept for others, it is what they all hold together that counts.
   */
  check(): ReadonlyMap<string, readonly number[]> {
    const { plan, history, whiteBox, log } = this.#parts;
    const { handoff } = plan.options.repairs;
    const converges = this.#converges;
    const shown = new Map<string, readonly number[]>();
    if (this.#isOver) return shown;
    for (const key of plan.options.keys) {
      const entry = { bucket: BUCKET, key };
      const copies = whiteBox.visibleCopies(entry, this.#largestN(key));
      if (converges) log.report(checkConverged(key, this.#replicasOf(entry)));
      const live = eventsShown(entry, handoff ? copies : whiteBox.allCopies(entry));
      shown.set(key, live);
      log.report(checkNoFalseSiblings(history, { id: 0, key, shown: live }, converges && handoff));
      log.report(checkNotRevived(history, { id: 0, key, shown: live, calledAt: history.next() }));
    }
    log.report(checkNothingLost(history, shown));
    log.report(checkNotApplied(history, whiteBox.dots.stored));
    return shown;
  }

  /** Every key takes one more write, which all its home replicas acknowledge: no lock and no queue is stuck. */
  async writeAll(): Promise<void> {
    if (this.#isOver) return;
    for (const [index, key] of this.#parts.plan.options.keys.entries()) this.#writeLast(key, index);
    await this.#runFor(READ_TIMEOUT_MS + 1_000);
  }

  /** Closes all nodes when they have been idle for long, and looks at what they still had. */
  async closeAll(): Promise<void> {
    await this.#runFor(QUIET_MS);
    if (this.#isOver) return;
    const { log, world, plan } = this.#parts;
    log.report(checkAllAnswered(this.#open));
    const fewest = await this.#fewestTimers();
    if (this.#isOver) return;
    const holdings = [...world.nodes.values()].map((node) => ({
      ...this.#holdings(node),
      timers: fewest.get(node.id) ?? 0,
    }));
    const closingMs = await this.#close();
    for (const held of holdings) {
      const standingTimers = plan.options.reapAfterMs === undefined ? 2 : 3;
      const left = {
        ...held,
        standingTimers,
        closingMs: closingMs.get(held.node) ?? Number.POSITIVE_INFINITY,
      };
      log.report(checkNothingLeft(left, world.nodes.size));
    }
  }

  /** The fewest that were set at some looks: exchanges of anti-entropy come and go, and what is left over stays. */
  async #fewestTimers(): Promise<ReadonlyMap<NodeId, number>> {
    const fewest = new Map(this.#timers());
    for (let look = 1; look < TIMER_LOOKS; look += 1) {
      await this.#runFor(LOOK_AGAIN_MS);
      for (const [node, timers] of this.#timers()) {
        fewest.set(node, Math.min(timers, fewest.get(node) ?? timers));
      }
    }
    return fewest;
  }

  /** All machines go off, with whatever they had not synced, and on again. */
  async restartAll(): Promise<void> {
    if (this.#isOver) return;
    const { world, plan } = this.#parts;
    const nodes = [...world.nodes.values()];
    for (const node of nodes) node.crash({ power: plan.options.sync, reason: 'restarted' });
    world.startAll();
    this.#isRestarted = true;
    await this.#runFor(10_000);
  }

  /** What nodes keep for others gets there, and is kept no longer. */
  async #handOver(): Promise<void> {
    const { plan, world, whiteBox, log } = this.#parts;
    if (!plan.options.repairs.handoff || this.#isOver) return;
    const kept = (): readonly (readonly [NodeId, ReturnType<typeof whiteBox.keptForOthers>])[] =>
      [...world.nodes.values()].map((node) => {
        const held = whiteBox.keptForOthers(node);
        return [node.id, this.#findsStrays ? held : { ...held, records: [] }];
      });
    await this.#runUntil(HANDOFF_MS, () =>
      kept().every(([, { hints, records }]) => hints + records.length === 0),
    );
    for (const [node, held] of kept()) log.report(checkHandedOver(node, held));
  }

  /**
   * Whether something brings replicas together in the time that they are given. Trees do not show what a disk lost behind its
   * process's back before they are built anew, which takes hours, or a new process.
   */
  get #converges(): boolean {
    const { options, faults } = this.#parts.plan;
    const { readRepair, antiEntropy } = options.repairs;
    const areTreesTrue = this.#isRestarted || faults.every(({ type }) => type !== 'forget');
    return readRepair || (antiEntropy && areTreesTrue);
  }

  /**
   * Whether a record is found that lies where it does not belong, and for nobody, because a disk has lost the hint from under it: those
   * who build the trees of anti-entropy come across it.
   */
  get #findsStrays(): boolean {
    const { options, faults } = this.#parts.plan;
    const losesPieces = faults.some(
      (fault) => fault.type === 'forget' || (fault.type === 'crash' && fault.disk === 'gap'),
    );
    return options.repairs.antiEntropy || !losesPieces;
  }

  #hasConverged(): boolean {
    return this.#parts.plan.options.keys.every((key) => {
      return checkConverged(key, this.#replicasOf({ bucket: BUCKET, key })).length === 0;
    });
  }

  /** What is to be equal: what home replicas hold as such, and not what one of them keeps for another as a fallback of a smaller N. */
  #replicasOf(entry: EntryName): ReadonlyMap<NodeId, Uint8Array | undefined> {
    const { whiteBox } = this.#parts;
    const copies = [...whiteBox.visibleCopies(entry, this.#largestN(entry.key))].map(
      ([node, bytes]) => [node, whiteBox.isKeptForOthers(entry, node, bytes) ? undefined : bytes] as const,
    );
    return whiteBox.withoutReaped(entry, new Map(copies));
  }

  get #isOver(): boolean {
    return this.#parts.log.violation !== undefined;
  }

  /** And as long again while the link holds something back. */
  async #runFor(ms: number): Promise<void> {
    const { world, log, link } = this.#parts;
    while (!this.#isOver) {
      await world.loop.run(world.loop.nowUs + ms * 1_000, () => log.violation !== undefined);
      if (!link.isBusy) return;
    }
  }

  /** Looks now and then whether a condition holds, for so long at most. */
  async #runUntil(maxMs: number, condition: () => boolean): Promise<void> {
    for (let ms = 0; ms < maxMs && !this.#isOver && !condition(); ms += LOOK_AGAIN_MS) {
      await this.#runFor(LOOK_AGAIN_MS);
    }
  }

  #readAll(key: string, node: NodeId, round: number): void {
    const n = this.#largestN(key);
    const request = { bucket: BUCKET, key, n, r: n, sloppy: false, timeoutMs: READ_TIMEOUT_MS };
    this.#open += 1;
    this.#parts.link.call<ReadOutcome>(
      node,
      READ_TIMEOUT_MS,
      (storageNode) => storageNode.get(request),
      (reply) => {
        this.#open -= 1;
        if (round === 0) return;
        const what = `round ${round}, a read of ${key} through ${node} at R=${n}`;
        this.#parts.log.report(checkServed(what, trouble(reply, 'read')));
      },
      () => {},
    );
  }

  #writeLast(key: string, index: number): void {
    const { history, link, log } = this.#parts;
    const node = this.#nodeIds[index % this.#nodeIds.length] as NodeId;
    const n = this.#largestN(key);
    const id = FIRST_LAST_WRITE + index;
    const event: WriteEvent = {
      id,
      key,
      type: 'put',
      known: new Set(),
      isBlindDelete: false,
      n,
      w: n,
      attemptsById: 0,
      calledAt: history.next(),
      returnedAt: undefined,
      outcome: 'unknown',
    };
    history.add(event);
    const request = {
      bucket: BUCKET,
      key,
      n,
      w: n,
      sloppy: false,
      timeoutMs: READ_TIMEOUT_MS,
      context: undefined,
      identity: undefined,
      returnRecord: false,
      contentType: 'text/plain',
      value: valueOf(id, 0),
    };
    this.#open += 1;
    link.call<PutOutcome>(
      node,
      READ_TIMEOUT_MS,
      (storageNode) => storageNode.put(request),
      (reply) => {
        this.#open -= 1;
        event.returnedAt = history.next();
        event.outcome = outcomeOf(reply);
        event.isOrdered =
          reply.type === 'answer' && reply.outcome.type === 'written' && reply.outcome.quorum.ordered;
        const isAtLimit =
          reply.type === 'answer' &&
          reply.outcome.type === 'failed' &&
          reply.outcome.code === 'sibling-limit';
        const what = `the last write of ${key} through ${node} at W=${n}`;
        if (!isAtLimit) log.report(checkServed(what, trouble(reply, 'written')));
      },
      () => {},
    );
  }

  #holdings({ id, life }: SimNode): Omit<LeftOver, 'closingMs' | 'timers' | 'standingTimers'> {
    const connections = life === undefined ? 0 : this.#parts.world.fabric.connectionsOf(life);
    return { node: id, connections };
  }

  #timers(): ReadonlyMap<NodeId, number> {
    return new Map([...this.#parts.world.nodes.values()].map(({ id, life }) => [id, life?.timers ?? 0]));
  }

  /** Virtual milliseconds that each node's orderly close took; a node that did not come to its end is missing. */
  async #close(): Promise<ReadonlyMap<string, number>> {
    const { loop, nodes } = this.#parts.world;
    const startUs = loop.nowUs;
    const closingMs = new Map<string, number>();
    const closed = [...nodes.values()].map(async ({ id, storageNode }) => {
      await storageNode?.close(CLOSE_GRACE_MS);
      closingMs.set(id, (loop.nowUs - startUs) / 1_000);
    });
    await loop.run(startUs + 2 * CLOSE_GRACE_MS * 1_000, () => closingMs.size === nodes.size);
    // Those that never come to an end are not waited for.
    await Promise.race([Promise.all(closed), Promise.resolve()]);
    return closingMs;
  }

  /** How many copies of a key are to be kept: as many as the largest N that some disk has heard of. */
  #largestN(key: string): number {
    const { whiteBox, plan } = this.#parts;
    const entry = { bucket: BUCKET, key };
    // What a node still keeps for others, because nobody hands it over, is not what those others hold.
    const held = [...whiteBox.allCopies(entry)].flatMap(([node, bytes]) =>
      bytes === undefined || whiteBox.isKeptForOthers(entry, node, bytes) ? [] : [largestNOf(bytes)],
    );
    return held.length === 0 ? plan.options.n : Math.max(...held);
  }
}

/** What these copies show together. */
function eventsShown(
  entry: EntryName,
  copies: ReadonlyMap<NodeId, Uint8Array | undefined>,
): readonly number[] {
  const distinct = new Map<string, Uint8Array>();
  for (const bytes of copies.values()) {
    if (bytes !== undefined) distinct.set(Buffer.from(recordDigest(bytes)).toString('hex'), bytes);
  }
  const records = [...distinct.values()].map((bytes) => decodeRecord(entry, bytes));
  const [first, ...others] = records;
  if (first === undefined) return [];
  return visibleSiblings(others.reduce(joinRecords, first))
    .map(eventOf)
    .filter((event) => event !== undefined);
}

/** Undefined if the reply is what it should be. */
function trouble(reply: Reply<ReadOutcome | PutOutcome>, wanted: string): string | undefined {
  if (reply.type !== 'answer') return reply.type;
  return reply.outcome.type === wanted ? undefined : JSON.stringify(reply.outcome);
}
