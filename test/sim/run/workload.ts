/**
 * The operations of a plan: clients read and write, carry contexts from answer to request, and try another node while a
 * write's outcome is unknown. Every answer is checked when it comes, against what clients were told before.
 */
import { type CausalContext, EMPTY_CONTEXT } from '../../../src/core/causality/causal-context.ts';
import type { Sibling } from '../../../src/core/causality/record.ts';
import { visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import type {
  DeleteOutcome,
  PutOutcome,
  ReadOutcome,
  ReadSuccess,
  WriteSuccess,
} from '../../../src/core/outcome.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { checkAnswersOwnContext, checkCoversOnlySeen } from '../checkers/contexts.ts';
import { eventOf, isValueOf, valueOf, writeIdOf } from '../checkers/dots.ts';
import type { History, WriteEvent, WriteOutcome } from '../checkers/history.ts';
import {
  checkNoFalseSiblings,
  checkNoInvention,
  checkReadSeesAcknowledged,
  checkValuesWhole,
  coveredBy,
} from '../checkers/knowledge.ts';
import type { PlannedOperation, RunPlan } from '../plan/plan.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { RunLog } from './run-log.ts';
import {
  type ClientLink,
  contextIn,
  type Reply,
  type SeenToken,
  type Session,
  tokenOf,
} from './simulated-client.ts';
import type { WhiteBox } from './white-box.ts';

export const BUCKET = 'bucket';
const RETRY_DELAY_US = 100_000;

export interface WorkloadParts {
  readonly plan: RunPlan;
  readonly world: SimCluster;
  readonly history: History;
  readonly whiteBox: WhiteBox;
  readonly log: RunLog;
  readonly link: ClientLink;
  /** Whether some disk has lost what was durable on it. */
  readonly hasLostDisk: () => boolean;
}

export class Workload {
  readonly #parts: WorkloadParts;
  readonly #nodeIds: readonly NodeId[];
  readonly #sessions = new Map<string, Session>();
  /** Bytes of each event's value. */
  readonly #bytes: ReadonlyMap<number, number>;
  #open = 0;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
    this.#nodeIds = [...parts.world.nodes.keys()];
    this.#bytes = new Map(parts.plan.operations.map(({ id, bytes }) => [id, bytes]));
  }

  /** Operations that have begun and not ended. */
  get open(): number {
    return this.#open;
  }

  /** Lets the operations begin at their times from now. */
  schedule(operations: readonly PlannedOperation[]): void {
    const { loop, outside } = this.#parts.world;
    for (const operation of operations) {
      loop.schedule(operation.atUs, outside, 'client', () => {
        this.#open += 1;
        if (operation.type === 'get') this.#get(operation);
        else this.#write(operation);
      });
    }
  }

  #get(operation: PlannedOperation): void {
    const { history, link, log } = this.#parts;
    const { n, r, timeoutMs } = operation;
    const entry = this.#entryOf(operation);
    const calledAt = history.next();
    link.call<ReadOutcome>(
      this.#nodeOf(operation, 0),
      timeoutMs,
      (node) => node.get({ ...entry, n, r, sloppy: false, timeoutMs }),
      (reply) => {
        this.#open -= 1;
        if (reply.type !== 'answer' || reply.outcome.type !== 'read') {
          log.count('read-failed');
          this.#countFailure(reply);
          return;
        }
        log.count('read');
        this.#took(operation, calledAt, reply.outcome);
      },
      () => {},
    );
  }

  #countFailure(reply: Reply<ReadOutcome | PutOutcome | DeleteOutcome>): void {
    if (reply.type === 'answer' && reply.outcome.type === 'failed') this.#parts.log.count(reply.outcome.code);
  }

  #took(operation: PlannedOperation, calledAt: number, { record }: ReadSuccess): void {
    const { history, log, plan } = this.#parts;
    const { id, client, n, r, nodes } = operation;
    const { key } = this.#entryOf(operation);
    const siblings = record === undefined ? [] : visibleSiblings(record);
    const shown = siblings.map(eventOf).filter((event) => event !== undefined);
    const read = { id, key, n, r, calledAt, returnedAt: history.next(), shown };
    history.reads.push(read);
    const through = `n${(nodes[0] as number) + 1}`;
    log.operation(`client ${client} read ${key} through ${through}: ${shown.join(', ') || 'nothing'}`);
    if (shown.length >= 3) log.count('three-siblings');
    if (shown.some((event) => isUnknown(history.write(event)))) log.count('unknown-write-shown');
    log.report(checkNoInvention(history, read));
    const isWhole = (event: number): boolean =>
      siblings.every((sibling) => eventOf(sibling) !== event || this.#isWhole(event, sibling));
    log.report(checkValuesWhole(read, isWhole));
    log.report(checkNoFalseSiblings(history, read, false));
    if (plan.options.readsSeeWrites) log.report(checkReadSeesAcknowledged(history, read));
    if (record !== undefined) this.#keepRead(operation, record.context, shown);
  }

  #isWhole(event: number, { content }: Sibling): boolean {
    const bytes = this.#bytes.get(event);
    return content.type === 'tombstone' || (bytes !== undefined && isValueOf(content.bytes, event, bytes));
  }

  #keepRead(operation: PlannedOperation, context: CausalContext, shown: readonly number[]): void {
    const { history, log, whiteBox } = this.#parts;
    const entry = this.#entryOf(operation);
    const { key } = entry;
    const { events, unheard } = whiteBox.dots.eventsOf(key, context);
    // A retry's record may leave for others before its own disk is given it, and die there at once as the second dot of one write.
    const isUnheardLegal = history.writesOf(key).some(({ attemptsById }) => attemptsById > 1);
    log.report(
      checkCoversOnlySeen(
        { key, what: `the read ${operation.id}`, events, unheard: isUnheardLegal ? [] : unheard },
        coveredBy(history, key, shown),
      ),
    );
    const session = this.#session(operation);
    session.read = { token: tokenOf(entry, context), known: new Set(shown) };
    session.first ??= session.read;
  }

  #write(operation: PlannedOperation): void {
    const { history } = this.#parts;
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
      calledAt: history.next(),
      returnedAt: undefined,
      outcome: 'unknown',
    };
    history.add(event);
    this.#attempt(operation, event, seen, 0);
  }

  /** Tries one node; the next one, with the same write id, while the outcome is unknown. */
  #attempt(
    operation: PlannedOperation,
    event: WriteEvent,
    seen: SeenToken | undefined,
    attempt: number,
  ): void {
    const { link, log } = this.#parts;
    const { timeoutMs, hasWriteId, client, nodes } = operation;
    if (hasWriteId) event.attemptsById += 1;
    link.call<PutOutcome | DeleteOutcome>(
      this.#nodeOf(operation, attempt),
      timeoutMs,
      (node) => this.#send(node, operation, seen, attempt),
      (reply) => {
        const through = `n${(nodes[attempt] as number) + 1}`;
        log.operation(
          `client ${client} ${event.type} ${event.id} of ${event.key} through ${through}: ${describeReply(reply)}`,
        );
        this.#countFailure(reply);
        const isWritten = reply.type === 'answer' && reply.outcome.type === 'written';
        if (isWritten) this.#wrote(operation, event, seen, reply.outcome);
        else this.#notWritten(operation, event, seen, attempt, outcomeOf(reply));
      },
      (outcome) => this.#answered(operation, outcome),
    );
  }

  #notWritten(
    operation: PlannedOperation,
    event: WriteEvent,
    seen: SeenToken | undefined,
    attempt: number,
    outcome: WriteOutcome,
  ): void {
    const { log, world } = this.#parts;
    const { hasWriteId, nodes } = operation;
    if (outcome === 'unknown' && hasWriteId && attempt + 1 < nodes.length) {
      log.count('retry');
      world.loop.schedule(RETRY_DELAY_US, world.outside, 'client-retry', () =>
        this.#attempt(operation, event, seen, attempt + 1),
      );
    } else {
      // Of an earlier attempt it is not known what became of it.
      this.#settle(event, attempt > 0 ? 'unknown' : outcome);
    }
  }

  /** Checked when the node answers, before a fault can take away what made the answer true. */
  #answered(operation: PlannedOperation, outcome: PutOutcome | DeleteOutcome): void {
    const { plan, hasLostDisk, whiteBox } = this.#parts;
    if (outcome.type !== 'written' || !plan.options.sync || hasLostDisk()) return;
    whiteBox.checkDurable(this.#entryOf(operation), outcome.dot, operation.n, operation.w);
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
    { dot, context }: WriteSuccess,
  ): void {
    const entry = this.#entryOf(operation);
    this.#settle(event, 'ok');
    const session = this.#session(operation);
    if (event.isBlindDelete) return;
    session.own = { token: tokenOf(entry, context), known: new Set([event.id]) };
    session.first ??= session.own;
    const before = seen === undefined ? EMPTY_CONTEXT : contextIn(entry, seen.token);
    const what = `${event.type} ${event.id} of ${event.key}`;
    this.#parts.log.report(
      checkAnswersOwnContext(what, { before, dot, answered: contextIn(entry, session.own.token) }),
    );
  }

  #settle(event: WriteEvent, outcome: WriteOutcome): void {
    const { history, log, whiteBox } = this.#parts;
    event.outcome = outcome;
    event.returnedAt = history.next();
    this.#open -= 1;
    log.count(`write-${outcome}`);
    if (outcome === 'not-applied') whiteBox.denied(event);
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
    return { bucket: BUCKET, key: this.#parts.plan.options.keys[key] as string };
  }

  #nodeOf({ nodes }: PlannedOperation, attempt: number): NodeId {
    return this.#nodeIds[nodes[attempt] as number] as NodeId;
  }
}

function isUnknown(write: WriteEvent | undefined): boolean {
  return write?.outcome === 'unknown' && write.returnedAt !== undefined;
}

/** A DELETE that found nothing wrote nothing. */
export function outcomeOf(reply: Reply<PutOutcome | DeleteOutcome>): WriteOutcome {
  if (reply.type === 'not-sent') return 'not-applied';
  if (reply.type === 'no-answer') return 'unknown';
  const { outcome } = reply;
  if (outcome.type === 'failed') return outcome.certainty;
  return outcome.type === 'written' ? 'ok' : 'not-applied';
}

function describeReply(reply: Reply<PutOutcome | DeleteOutcome>): string {
  if (reply.type !== 'answer') return reply.type;
  const { outcome } = reply;
  return outcome.type === 'failed' ? `${outcome.code}, ${outcome.certainty}` : outcome.type;
}
