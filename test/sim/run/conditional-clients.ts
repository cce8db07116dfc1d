/**
 * Conditional writes and linearizable reads of a plan: a client expects what it was shown last (or, if the plan says so, what it
 * was shown before), and tries another node with the same write id while the outcome is unknown. What comes of it is kept in the
 * history, from which the checkers of conditional.ts judge when the run is over.
 */
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { ConditionalOutcome, WriteSuccess } from '../../../src/core/outcome.ts';
import type { ConditionalRequest } from '../../../src/core/request.ts';
import { writeIdOf } from '../checkers/dots.ts';
import type { WriteCondition, WriteEvent, WriteOutcome } from '../checkers/history.ts';
import { checkEtag, nameOfEvent } from '../checkers/conditional.ts';
import type { PlannedOperation } from '../plan/plan.ts';
import type { ClientSessions } from './client-sessions.ts';
import { ConditionalSessions, type ObjectView, viewOf } from './conditional-sessions.ts';
import { countFailure, describeReply, outcomeOf, type Reply, tokenOf } from './simulated-client.ts';
import type { WorkloadParts } from './workload.ts';

const RETRY_DELAY_US = 50_000;
const ENCODER = new TextEncoder();

/** What one write sends, the same in each attempt. */
interface SentWrite {
  readonly operation: PlannedOperation;
  readonly event: WriteEvent;
  readonly condition: WriteCondition;
  readonly etag: string | undefined;
  readonly bytes: Uint8Array | undefined;
}

export class ConditionalClients {
  readonly #parts: WorkloadParts;
  readonly #sessions: ClientSessions;
  readonly #views = new ConditionalSessions();
  readonly #onEnd: () => void;
  /** By ETag: the state that it was given for. */
  readonly #etags = new Map<string, string>();

  /** `onEnd` is called when an operation has ended. */
  constructor(parts: WorkloadParts, sessions: ClientSessions, onEnd: () => void) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#onEnd = onEnd;
  }

  begin(operation: PlannedOperation): void {
    const isLock = this.#parts.plan.options.conditional?.workload === 'lock';
    const step = this.#views.next(operation, isLock);
    if (step.type === 'read') {
      this.#read(operation);
      return;
    }
    const { view, isRemoval } = step;
    const { id, n, bytes: length } = operation;
    const condition: WriteCondition =
      view === undefined ? { type: 'create' } : { type: 'replace', expected: view.state };
    const bytes = isRemoval ? undefined : ENCODER.encode(`${id}:${this.#payload(id, view, length)}`);
    const event: WriteEvent = {
      ...{ id, n, condition, key: this.#sessions.entryOf(operation).key },
      type: isRemoval ? 'delete' : 'put',
      known: new Set(view?.events),
      // A create takes the place of deletions that its client never saw.
      isBlindDelete: view === undefined,
      w: Math.floor(n / 2) + 1,
      attemptsById: 0,
      calledAt: this.#parts.history.next(),
      returnedAt: undefined,
      outcome: 'unknown',
      ...(bytes === undefined ? {} : { value: bytes }),
    };
    this.#parts.history.add(event);
    this.#attempt({ operation, event, condition, etag: view?.etag, bytes }, 0);
  }

  /** What a counter or a list becomes; elsewhere a filler. */
  #payload(id: number, view: ObjectView | undefined, length: number): string {
    switch (this.#parts.plan.options.conditional?.workload) {
      case 'counter':
        return `${Number(view?.payload ?? 0) + 1}`;
      case 'append':
        return [...(view?.payload === undefined ? [] : [view.payload]), id].join(',');
      default:
        return 'x'.repeat(length);
    }
  }

  #read(operation: PlannedOperation): void {
    const { history, link, log } = this.#parts;
    const { n, timeoutMs, client, nodes, id } = operation;
    const entry = this.#sessions.entryOf(operation);
    const calledAt = history.next();
    const roundsBefore = this.#parts.rounds?.preparesOf(entry.key);
    link.call<ConditionalOutcome>(
      this.#sessions.nodeOf(operation, 0),
      timeoutMs,
      (node) =>
        node.conditional({ ...entry, n, timeoutMs, operation: { type: 'read' }, returnRecord: false }),
      (reply) => {
        this.#onEnd();
        countFailure(log, reply);
        const through = `n${(nodes[0] as number) + 1}`;
        const what = `client ${client} linearizable read ${id} of ${entry.key} through ${through}`;
        if (reply.type !== 'answer' || reply.outcome.type !== 'read') {
          log.count('linearizable-read-failed');
          log.operation(`${what}: ${describeReply(reply)}`);
          return;
        }
        log.count('linearizable-read');
        if (this.#parts.rounds?.preparesOf(entry.key) === roundsBefore) log.count('quick-read');
        const { state } = this.#shown(operation, calledAt, reply.outcome.record);
        log.operation(`${what}: ${state || 'nothing'}`);
      },
      () => {},
    );
  }

  #attempt(sent: SentWrite, attempt: number): void {
    const { link, log, history, whiteBox } = this.#parts;
    const { operation, event } = sent;
    event.attemptsById += 1;
    const calledAt = history.next();
    const wasThere = whiteBox.dots.stored.has(event.id);
    link.call<ConditionalOutcome>(
      this.#sessions.nodeOf(operation, attempt),
      operation.timeoutMs,
      (node) => node.conditional(this.#requestOf(sent, attempt)),
      (reply) => {
        const through = `n${(operation.nodes[attempt] as number) + 1}`;
        const what = `client ${operation.client} conditional ${event.type} ${event.id} of ${event.key}`;
        log.operation(
          `${what} ${describeCondition(sent.condition)} through ${through}: ${describeReply(reply)}`,
        );
        countFailure(log, reply);
        if (attempt > 0 && wasThere && isType(reply, 'written')) log.count('repeated');
        this.#came(sent, attempt, calledAt, reply);
      },
      (outcome) => this.#answered(operation, outcome),
    );
  }

  #requestOf({ operation, condition, etag, bytes }: SentWrite, attempt: number): ConditionalRequest {
    const { id, n, timeoutMs } = operation;
    return {
      ...this.#sessions.entryOf(operation),
      ...{ n, timeoutMs, returnRecord: false },
      operation: {
        type: 'write',
        condition:
          condition.type === 'create'
            ? { type: 'if-absent' }
            : { type: 'if-match', etags: new Set([etag as string]) },
        content:
          bytes === undefined ? { type: 'tombstone' } : { type: 'value', contentType: 'text/plain', bytes },
        identity: { id: writeIdOf(id), firstAttempt: attempt === 0, notBefore: undefined },
      },
    };
  }

  #came(sent: SentWrite, attempt: number, calledAt: number, reply: Reply<ConditionalOutcome>): void {
    const { log, world } = this.#parts;
    const { operation, event, condition } = sent;
    if (reply.type === 'answer' && reply.outcome.type === 'written') {
      this.#wrote(sent, reply.outcome);
      return;
    }
    if (reply.type === 'answer' && reply.outcome.type === 'precondition-failed') {
      log.count('precondition-failed');
      const { record, wasRefused } = reply.outcome;
      // What an earlier attempt was refused for good may hold by now, and this one is refused all the same.
      if (wasRefused) log.count('refused-for-good');
      this.#shown(operation, calledAt, record, wasRefused ? undefined : condition);
      this.#settle(event, 'not-applied');
      return;
    }
    const outcome = outcomeOf(reply);
    if (outcome === 'unknown' && attempt + 1 < operation.nodes.length) {
      log.count('conditional-retry');
      world.loop.schedule(RETRY_DELAY_US, world.outside, 'client-retry', () =>
        this.#attempt(sent, attempt + 1),
      );
      return;
    }
    const end = attempt > 0 ? 'unknown' : outcome;
    if (end === 'unknown' && operation.id % 2 === 0) this.#askWhatBecame(sent);
    else this.#settle(event, end);
  }

  /** Half of the clients that do not know ask; what they are told is as binding as an answer to the write. */
  #askWhatBecame({ operation, event }: SentWrite): void {
    const { link, log } = this.#parts;
    const { n, timeoutMs } = operation;
    const request: ConditionalRequest = {
      ...this.#sessions.entryOf(operation),
      ...{ n, timeoutMs, returnRecord: false },
      operation: { type: 'settle', writeId: writeIdOf(event.id) },
    };
    const node = this.#sessions.nodeOf(operation, operation.nodes.length - 1);
    link.call<ConditionalOutcome>(
      node,
      timeoutMs,
      (asked) => asked.conditional(request),
      (reply) => {
        const state =
          reply.type === 'answer' && reply.outcome.type === 'settled' ? reply.outcome.state : undefined;
        log.count(`outcome-${state ?? 'not-told'}`);
        log.operation(
          `client ${operation.client} asks what became of ${event.id}: ${state ?? describeReply(reply)}`,
        );
        if (state === 'never-applied') {
          this.#settle(event, 'not-applied');
          return;
        }
        event.isOrdered ||= state === 'applied' || state === 'superseded';
        this.#settle(event, event.isOrdered ? 'ok' : 'unknown');
      },
      () => {},
    );
  }

  #wrote({ operation, event, condition }: SentWrite, { etag, dot }: WriteSuccess): void {
    const { log, whiteBox } = this.#parts;
    event.isOrdered = true;
    this.#settle(event, 'ok');
    const state = nameOfEvent(event);
    if (condition.type === 'create') log.count('created');
    if (etag === undefined) {
      log.report([{ invariant: 'etag', detail: `the answer to ${event.id} of ${event.key} has no ETag` }]);
      return;
    }
    log.report(checkEtag(this.#etags, event.key, etag, state));
    log.report(whiteBox.checkNamed(event.key, dot, event.id));
    const value = event.value === undefined ? undefined : new TextDecoder().decode(event.value);
    const payload = value?.slice(value.indexOf(':') + 1);
    this.#views.shown(operation, { state, etag, events: [event.id], payload });
  }

  /** A linearizable read, or a refusal. */
  #shown(
    operation: PlannedOperation,
    calledAt: number,
    record: KeyRecord | undefined,
    refused?: WriteCondition,
  ): ObjectView {
    const { history, log, plan } = this.#parts;
    const entry = this.#sessions.entryOf(operation);
    const view = viewOf(record);
    const { state, payload, events } = view;
    history.sights.push({
      ...{ id: operation.id, key: entry.key, calledAt, returnedAt: history.next(), state, payload },
      ...(refused === undefined ? {} : { refused }),
    });
    if (record !== undefined) {
      if (view.etag !== undefined) log.report(checkEtag(this.#etags, entry.key, view.etag, state));
      const seen = { token: tokenOf(entry, record.context), known: new Set(events) };
      this.#sessions.of(operation).seen = seen;
    }
    if (events.length > 1) log.count('siblings-in-linearizable-read');
    if (events.length > 1 && plan.options.conditional?.mode === 'cas')
      log.report([{ invariant: 'not-linearizable', detail: `${entry.key} has siblings ${state}` }]);
    this.#views.shown(operation, view);
    return view;
  }

  /** Checked when the node answers, before a fault can take away what made the answer true. */
  #answered(operation: PlannedOperation, outcome: ConditionalOutcome): void {
    const { plan, hasLostDisk, whiteBox } = this.#parts;
    if (outcome.type !== 'written' || !plan.options.sync || hasLostDisk()) return;
    whiteBox.checkChosen(this.#sessions.entryOf(operation), outcome.dot, operation.n);
  }

  #settle(event: WriteEvent, outcome: WriteOutcome): void {
    const { history, log, whiteBox } = this.#parts;
    event.outcome = outcome;
    event.returnedAt = history.next();
    this.#onEnd();
    log.count(`conditional-${outcome}`);
    if (outcome === 'not-applied') whiteBox.denied(event);
  }
}

function isType(reply: Reply<ConditionalOutcome>, type: ConditionalOutcome['type']): boolean {
  return reply.type === 'answer' && reply.outcome.type === type;
}

function describeCondition(condition: WriteCondition): string {
  return condition.type === 'create' ? 'if absent' : `if ${condition.expected}`;
}
