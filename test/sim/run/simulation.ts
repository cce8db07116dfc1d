/**
 * One run: anything may break; then everything heals for good, clients are answered, reads at all replicas bring them
 * together; then every process starts again from its disk. Invariants are checked at every step, and all of them at the end.
 */
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { withDot, EMPTY_CONTEXT, type CausalContext } from '../../../src/core/causality/causal-context.ts';
import { visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import type {
  DeleteOutcome,
  PutOutcome,
  ReadOutcome,
  ReadSuccess,
  WriteSuccess,
} from '../../../src/core/outcome.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { History, type Violation, type WriteEvent, type WriteOutcome } from '../checkers/history.ts';
import {
  checkNoFalseSiblings,
  checkNoInvention,
  checkNotApplied,
  checkNothingLost,
  checkReadSeesAcknowledged,
  coveredBy,
} from '../checkers/knowledge.ts';
import { eventOf, valueOf, writeIdOf } from '../checkers/dots.ts';
import type { PlannedOperation, RunPlan } from '../plan/plan.ts';
import { simConfig } from '../world/quiet-world.ts';
import { SimCluster } from '../world/sim-cluster.ts';
import { FaultInjector } from './fault-injector.ts';
import {
  ClientLink,
  contextIn,
  type Reply,
  type SeenToken,
  type Session,
  tokenOf,
} from './simulated-client.ts';
import { WhiteBox } from './white-box.ts';

const BUCKET = 'bucket';
const RETRY_DELAY_US = 100_000;
/** After healing: backoffs, half-open connections and silences end. Virtual milliseconds. */
const HEAL_MS = 60_000;

export interface RunResult {
  readonly violation: Violation | undefined;
  readonly traceHash: string;
  readonly events: number;
  readonly messages: number;
  readonly virtualMs: number;
  /** How often rare things happened. */
  readonly sometimes: ReadonlyMap<string, number>;
}

export interface RunWatcher {
  readonly onEvent?: (kind: string, owner: string, nowUs: number) => void;
  readonly onFrame?: (from: NodeId, to: NodeId, frame: Uint8Array, nowUs: number) => void;
  readonly onOperation?: (text: string, nowUs: number) => void;
}

/** Runs a plan to its end, or to its first violation. */
export async function runPlan(plan: RunPlan, watcher: RunWatcher = {}): Promise<RunResult> {
  return new Simulation(plan, watcher).run();
}

class Simulation {
  readonly #plan: RunPlan;
  readonly #watcher: RunWatcher;
  readonly #world: SimCluster;
  readonly #history = new History();
  readonly #whiteBox: WhiteBox;
  readonly #faults: FaultInjector;
  readonly #link: ClientLink;
  readonly #nodeIds: readonly NodeId[];
  readonly #sessions = new Map<string, Session>();
  readonly #sometimes = new Map<string, number>();
  readonly #losers = new Set<NodeId>();
  #open = 0;
  #violation: Violation | undefined;

  constructor(plan: RunPlan, watcher: RunWatcher) {
    this.#plan = plan;
    this.#watcher = watcher;
    const { options, seed } = plan;
    const config = simConfig(options.nodes, {
      partitions: options.partitions,
      limits: { ...DEFAULT_LIMITS, maxSiblings: options.maxSiblings, reserveBytes: 1 },
    });
    this.#world = new SimCluster(
      {
        seed,
        config,
        sync: options.sync,
        network: options.network,
        disk: options.disk,
        clockOf: (node) =>
          options.clocks[config.nodes.findIndex(({ id }) => id === node)] as (typeof options.clocks)[number],
      },
      {
        onTrace: (node, event) => this.#traced(node, event),
        onDeath: (node, reason) => this.#died(node, reason),
        onBug: (node, error) =>
          this.#report({ invariant: 'no-exception', detail: `${node}: ${describeError(error)}` }),
      },
    );
    this.#nodeIds = config.nodes.map(({ id }) => id);
    this.#whiteBox = new WhiteBox(this.#world, this.#history, (violation) => this.#report(violation));
    this.#faults = new FaultInjector(this.#world, (node) => this.#lostDisk(node));
    this.#link = new ClientLink(this.#world);
    this.#world.loop.onEvent = (kind, owner) => watcher.onEvent?.(kind, owner, this.#world.loop.nowUs);
    this.#world.fabric.onDelivery = ({ from, to, frame }) =>
      watcher.onFrame?.(from, to, frame, this.#world.loop.nowUs);
  }

  async run(): Promise<RunResult> {
    const { loop } = this.#world;
    this.#world.startAll();
    await loop.run(500_000);
    this.#faults.schedule(this.#plan.faults);
    for (const operation of this.#plan.operations) {
      loop.schedule(operation.atUs, this.#world.outside, 'client', () => this.#begin(operation));
    }
    await this.#runTo(loop.nowUs + this.#plan.options.faultyUs);
    await this.#heal();
    await this.#converge();
    const shown = this.#checkEnd();
    await this.#restartAll();
    await this.#converge();
    this.#checkSame(shown, this.#checkEnd());
    return {
      violation: this.#violation,
      traceHash: loop.traceHash,
      events: loop.executed,
      messages: this.#world.fabric.delivered,
      virtualMs: loop.nowUs / 1_000,
      sometimes: new Map([...this.#sometimes, ...this.#faults.injected]),
    };
  }

  async #runTo(untilUs: number): Promise<void> {
    if (this.#violation === undefined)
      await this.#world.loop.run(untilUs, () => this.#violation !== undefined);
  }

  async #heal(): Promise<void> {
    const { loop } = this.#world;
    this.#faults.heal();
    await this.#runTo(loop.nowUs + HEAL_MS * 1_000);
    if (this.#open > 0)
      this.#report({ invariant: 'progress', detail: `${this.#open} operations were never answered` });
    const down = [...this.#world.nodes.values()].filter(({ isUp }) => !isUp).map(({ id }) => id);
    if (down.length > 0)
      this.#report({ invariant: 'progress', detail: `${down.join(', ')} did not come up again` });
  }

  /**
   * Reads of all home replicas of every key, through every node: what differs is repaired. The first round is not judged: it may
   * be what finds out that a connection has been dead for a while.
   */
  async #converge(): Promise<void> {
    for (const round of [0, 1, 2]) {
      for (const key of this.#plan.options.keys) {
        for (const node of this.#nodeIds) this.#readAll(key, node, round);
        await this.#runTo(this.#world.loop.nowUs + 500_000);
      }
      await this.#runTo(this.#world.loop.nowUs + 5_000_000);
    }
  }

  #readAll(key: string, node: NodeId, round: number): void {
    const n = this.#largestN(key);
    this.#open += 1;
    this.#link.call<ReadOutcome>(
      node,
      10_000,
      (storageNode) => storageNode.get({ bucket: BUCKET, key, n, r: n, sloppy: false, timeoutMs: 10_000 }),
      (reply) => {
        this.#open -= 1;
        if (round === 0 || (reply.type === 'answer' && reply.outcome.type === 'read')) return;
        const why = reply.type === 'answer' ? JSON.stringify(reply.outcome) : reply.type;
        this.#report({
          invariant: 'progress',
          detail: `after healing, round ${round}: ${key} cannot be read through ${node} at R=${n}: ${why}`,
        });
      },
      () => {},
    );
  }

  #largestN(key: string): number {
    return this.#history.writesOf(key).reduce((largest, { n }) => Math.max(largest, n), this.#plan.options.n);
  }

  /** All home replicas hold one record; nothing acknowledged is missing from it. Answers what each key shows. */
  #checkEnd(): ReadonlyMap<string, readonly number[]> {
    const shown = new Map<string, readonly number[]>();
    if (this.#violation !== undefined) return shown;
    for (const key of this.#plan.options.keys) {
      const entry = { bucket: BUCKET, key };
      const storageKey = this.#whiteBox.storageKey(entry);
      const homes = this.#whiteBox.homesOf(entry, this.#largestN(key));
      const copies = homes.map((node) => hex(this.#world.node(node).disk.visibleValue(storageKey)));
      if (new Set(copies).size > 1) {
        this.#report({
          invariant: 'convergence',
          detail: `the home replicas ${homes.join(', ')} of ${key} differ after reads of all of them`,
        });
      }
      const record = this.#whiteBox.visibleRecord(homes[0] as NodeId, entry);
      const events = record === undefined ? [] : visibleSiblings(record).map(eventOf);
      const live = events.filter((event) => event !== undefined);
      shown.set(key, live);
      for (const violation of checkNoFalseSiblings(this.#history, { id: 0, key, shown: live }, true))
        this.#report(violation);
    }
    for (const violation of checkNothingLost(this.#history, shown)) this.#report(violation);
    for (const violation of checkNotApplied(this.#history, this.#whiteBox.dots.stored))
      this.#report(violation);
    return shown;
  }

  async #restartAll(): Promise<void> {
    if (this.#violation !== undefined) return;
    for (const node of this.#world.nodes.values())
      node.crash({ power: this.#plan.options.sync, reason: 'restarted' });
    for (const node of this.#world.nodes.values()) node.start();
    await this.#runTo(this.#world.loop.nowUs + 10_000_000);
  }

  #checkSame(
    before: ReadonlyMap<string, readonly number[]>,
    after: ReadonlyMap<string, readonly number[]>,
  ): void {
    if (this.#violation !== undefined) return;
    for (const [key, events] of before) {
      const now = after.get(key) ?? [];
      if (events.join() === now.join()) continue;
      this.#report({
        invariant: 'restart-changed-nothing',
        detail: `${key} showed ${events.join()} before all nodes started again, and ${now.join()} after`,
      });
    }
  }

  #begin(operation: PlannedOperation): void {
    if (operation.type === 'get') this.#get(operation);
    else this.#write(operation);
  }

  #get(operation: PlannedOperation): void {
    const { n, r, timeoutMs } = operation;
    const entry = this.#entryOf(operation);
    const calledAt = this.#history.next();
    this.#open += 1;
    this.#link.call<ReadOutcome>(
      this.#nodeOf(operation, 0),
      timeoutMs,
      (node) => node.get({ ...entry, n, r, sloppy: false, timeoutMs }),
      (reply) => {
        this.#open -= 1;
        if (reply.type !== 'answer' || reply.outcome.type !== 'read') {
          this.#count('read-failed');
          return;
        }
        this.#count('read');
        this.#took(operation, calledAt, reply.outcome);
      },
      () => {},
    );
  }

  #took(operation: PlannedOperation, calledAt: number, outcome: ReadSuccess): void {
    const { id, n, r } = operation;
    const entry = this.#entryOf(operation);
    const siblings = outcome.record === undefined ? [] : visibleSiblings(outcome.record);
    const shown = siblings.map(eventOf).filter((event) => event !== undefined);
    const read = { id, key: entry.key, n, r, calledAt, returnedAt: this.#history.next(), shown };
    this.#history.reads.push(read);
    this.#operation(
      `client ${operation.client} read ${entry.key} through n${(operation.nodes[0] as number) + 1}: ${shown.join(', ') || 'nothing'}`,
    );
    if (shown.length >= 3) this.#count('three-siblings');
    const violations = [
      ...checkNoInvention(this.#history, read),
      ...checkNoFalseSiblings(this.#history, read, false),
      ...(this.#plan.options.readsSeeWrites ? checkReadSeesAcknowledged(this.#history, read) : []),
    ];
    for (const violation of violations) this.#report(violation);
    if (outcome.record !== undefined) this.#keepRead(operation, outcome.record.context, shown);
  }

  #keepRead(operation: PlannedOperation, context: CausalContext, shown: readonly number[]): void {
    const entry = this.#entryOf(operation);
    const known = new Set(shown);
    for (const event of shown)
      for (const seen of this.#history.writes.get(event)?.known ?? []) known.add(seen);
    this.#checkContext(
      entry,
      context,
      coveredBy(this.#history, entry.key, shown),
      `the read ${operation.id}`,
    );
    const session = this.#session(operation);
    session.read = { token: tokenOf(entry, context), known };
    session.first ??= session.read;
  }

  /** A context claims no event that its holder has not seen. */
  #checkContext(entry: EntryName, context: CausalContext, seen: ReadonlySet<number>, what: string): void {
    const { events, unheard } = this.#whiteBox.dots.eventsOf(entry.key, context);
    const unseen = [...events].find((event) => !seen.has(event));
    if (unseen !== undefined) {
      this.#report({
        invariant: 'over-covering-context',
        detail: `the context of ${what} of ${entry.key} covers ${unseen}, which its holder has not seen`,
      });
    }
    // A write whose batch failed may have reached others only, and died there at once as the second dot of a retry.
    if (unheard.length > 0 && !this.#sometimes.has('storage-failed')) {
      this.#report({
        invariant: 'over-covering-context',
        detail: `the context of ${what} of ${entry.key} covers ${unheard.join(', ')}, which nobody ever wrote`,
      });
    }
  }

  #write(operation: PlannedOperation): void {
    const { id, type, n, w } = operation;
    const seen = this.#contextOf(operation);
    const event: WriteEvent = {
      id,
      key: this.#entryOf(operation).key,
      type: type === 'delete' ? 'delete' : 'put',
      known: seen?.known ?? new Set(),
      isBlindDelete: type === 'delete' && seen === undefined,
      n,
      w,
      attemptsById: 0,
      calledAt: this.#history.next(),
      returnedAt: undefined,
      outcome: 'unknown',
    };
    this.#history.writes.set(id, event);
    this.#open += 1;
    this.#attempt(operation, event, seen, 0, false);
  }

  /** Tries one node; the next one, with the same write id, while the outcome is unknown. */
  #attempt(
    operation: PlannedOperation,
    event: WriteEvent,
    seen: SeenToken | undefined,
    attempt: number,
    perhaps: boolean,
  ): void {
    const { timeoutMs, hasWriteId } = operation;
    if (hasWriteId) event.attemptsById += 1;
    this.#link.call<PutOutcome | DeleteOutcome>(
      this.#nodeOf(operation, attempt),
      timeoutMs,
      (node) => this.#send(node, operation, seen, attempt),
      (reply) => {
        const outcome = outcomeOf(reply);
        this.#operation(
          `client ${operation.client} ${event.type} ${event.id} of ${event.key} through n${(operation.nodes[attempt] as number) + 1}: ${describeReply(reply)}`,
        );
        if (reply.type === 'answer' && reply.outcome.type === 'written') {
          this.#wrote(operation, event, seen, reply.outcome);
        } else if (reply.type === 'answer' && reply.outcome.type === 'nothing-to-delete') {
          this.#settle(event, perhaps ? 'unknown' : 'not-applied');
        } else if (outcome === 'unknown' && hasWriteId && attempt + 1 < operation.nodes.length) {
          this.#count('retry');
          const { loop, outside } = this.#world;
          loop.schedule(RETRY_DELAY_US, outside, 'client-retry', () =>
            this.#attempt(operation, event, seen, attempt + 1, true),
          );
        } else {
          this.#settle(event, perhaps ? 'unknown' : outcome);
        }
      },
      (outcome) => this.#answered(operation, outcome),
    );
  }

  /** Checked when the node answers, before a fault can take away what made the answer true. */
  #answered(operation: PlannedOperation, outcome: PutOutcome | DeleteOutcome): void {
    if (outcome.type !== 'written' || !this.#plan.options.sync || this.#losers.size > 0) return;
    this.#whiteBox.checkDurable(this.#entryOf(operation), outcome.dot, operation.n, operation.w);
  }

  #send(
    node: StorageNode,
    operation: PlannedOperation,
    seen: SeenToken | undefined,
    attempt: number,
  ): Promise<PutOutcome | DeleteOutcome> {
    const { id, n, r, w, timeoutMs, hasWriteId, bytes } = operation;
    const entry = this.#entryOf(operation);
    const common = {
      ...entry,
      n,
      w,
      sloppy: false,
      timeoutMs,
      context: seen === undefined ? undefined : contextIn(entry, seen.token),
      identity: hasWriteId ? { id: writeIdOf(id), firstAttempt: attempt === 0 } : undefined,
      returnRecord: false,
    };
    if (operation.type === 'delete') return node.delete({ ...common, r });
    return node.put({ ...common, contentType: 'text/plain', value: valueOf(id, bytes) });
  }

  #wrote(
    operation: PlannedOperation,
    event: WriteEvent,
    seen: SeenToken | undefined,
    outcome: WriteSuccess,
  ): void {
    const entry = this.#entryOf(operation);
    this.#settle(event, 'ok');
    const before = seen === undefined ? EMPTY_CONTEXT : contextIn(entry, seen.token);
    const session = this.#session(operation);
    if (event.isBlindDelete) return;
    const known = new Set([...event.known, event.id]);
    session.own = { token: tokenOf(entry, outcome.context), known };
    session.first ??= session.own;
    const expected = tokenOf(entry, withDot(before, outcome.dot));
    if (expected !== session.own.token) {
      this.#report({
        invariant: 'over-covering-context',
        detail: `the context of the answer to ${event.type} ${event.id} of ${event.key} is not the client's own plus the new dot`,
      });
    }
  }

  #settle(event: WriteEvent, outcome: WriteOutcome): void {
    event.outcome = outcome;
    event.returnedAt = this.#history.next();
    this.#open -= 1;
    this.#count(`write-${outcome}`);
    if (outcome === 'not-applied') {
      for (const violation of checkNotApplied(
        this.#history,
        [...this.#whiteBox.dots.stored].filter((id) => id === event.id),
      )) {
        this.#report(violation);
      }
    }
  }

  #contextOf(operation: PlannedOperation): SeenToken | undefined {
    const session = this.#session(operation);
    switch (operation.context) {
      case 'none':
        return undefined;
      case 'read':
        return session.read;
      case 'own':
        return session.own;
      case 'stale':
        return session.first;
    }
  }

  #session({ client, key }: PlannedOperation): Session {
    const name = `${client} ${key}`;
    const session = this.#sessions.get(name) ?? { read: undefined, own: undefined, first: undefined };
    this.#sessions.set(name, session);
    return session;
  }

  #entryOf({ key }: PlannedOperation): EntryName {
    return { bucket: BUCKET, key: this.#plan.options.keys[key] as string };
  }

  #nodeOf({ nodes }: PlannedOperation, attempt: number): NodeId {
    return this.#nodeIds[nodes[attempt] as number] as NodeId;
  }

  #lostDisk(node: NodeId): void {
    this.#losers.add(node);
    this.#whiteBox.forget(node);
  }

  #traced(node: NodeId, event: TraceEvent): void {
    this.#count(event.type);
    if (event.type === 'dot-collision')
      this.#report({ invariant: 'dot-collision', detail: `${node} met two values of ${event.dot}` });
    if (event.type === 'incarnation-renewed' && this.#losers.size === 0) {
      this.#report({
        invariant: 'no-false-alarm',
        detail: `${node} took a new incarnation for ${event.key}, but no disk had lost anything`,
      });
    }
  }

  #died(node: NodeId, reason: string): void {
    this.#operation(`${node} died: ${reason}`);
    if (this.#world.node(node).disk.writeFault === 'none') return;
    this.#count('fail-stop');
    this.#faults.restartLater(node, 3_000_000);
  }

  #count(name: string): void {
    this.#sometimes.set(name, (this.#sometimes.get(name) ?? 0) + 1);
  }

  #operation(text: string): void {
    this.#world.loop.note(text);
    this.#watcher.onOperation?.(text, this.#world.loop.nowUs);
  }

  #report(violation: Violation): void {
    this.#violation ??= violation;
  }
}

function outcomeOf(reply: Reply<PutOutcome | DeleteOutcome>): WriteOutcome {
  if (reply.type === 'not-sent') return 'not-applied';
  if (reply.type === 'no-answer') return 'unknown';
  return reply.outcome.type === 'failed' ? reply.outcome.certainty : 'ok';
}

function describeReply(reply: Reply<PutOutcome | DeleteOutcome>): string {
  if (reply.type !== 'answer') return reply.type;
  const { outcome } = reply;
  return outcome.type === 'failed' ? `${outcome.code}, ${outcome.certainty}` : outcome.type;
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : Buffer.from(bytes).toString('latin1');
}
