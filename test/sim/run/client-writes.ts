/**
 * Writes of a plan: a client sends the context that the plan says, and tries another node while the outcome is unknown. What
 * comes of it is checked, and kept in the history.
 */
import { EMPTY_CONTEXT } from '../../../src/core/causality/causal-context.ts';
import type { DeleteOutcome, PutOutcome, WriteSuccess } from '../../../src/core/outcome.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { checkAnswersOwnContext } from '../checkers/contexts.ts';
import { valueOf, writeIdOf } from '../checkers/dots.ts';
import type { WriteEvent, WriteOutcome } from '../checkers/history.ts';
import type { PlannedOperation } from '../plan/plan.ts';
import type { ClientSessions } from './client-sessions.ts';
import {
  contextIn,
  countFailure,
  describeReply,
  outcomeOf,
  type SeenToken,
  tokenOf,
} from './simulated-client.ts';
import type { WorkloadParts } from './workload.ts';

const RETRY_DELAY_US = 100_000;

export class ClientWrites {
  readonly #parts: WorkloadParts;
  readonly #sessions: ClientSessions;
  readonly #onEnd: () => void;

  /** `onEnd` is called when an operation has ended. */
  constructor(parts: WorkloadParts, sessions: ClientSessions, onEnd: () => void) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#onEnd = onEnd;
  }

  begin(operation: PlannedOperation): void {
    const { history } = this.#parts;
    const { id, type, n, w } = operation;
    const seen = this.#sessions.contextOf(operation);
    const event: WriteEvent = {
      id,
      key: this.#sessions.entryOf(operation).key,
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
      this.#sessions.nodeOf(operation, attempt),
      timeoutMs,
      (node) => this.#send(node, operation, seen, attempt),
      (reply) => {
        const through = `n${(nodes[attempt] as number) + 1}`;
        log.operation(
          `client ${client} ${event.type} ${event.id} of ${event.key} through ${through}: ${describeReply(reply)}`,
        );
        countFailure(log, reply);
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
    whiteBox.checkDurable(this.#sessions.entryOf(operation), outcome.dot, operation.n, operation.w);
  }

  #send(
    node: StorageNode,
    operation: PlannedOperation,
    seen: SeenToken | undefined,
    attempt: number,
  ): Promise<PutOutcome | DeleteOutcome> {
    const { id, n, r, w, sloppy, timeoutMs, hasWriteId, bytes } = operation;
    const entry = this.#sessions.entryOf(operation);
    const common = {
      ...entry,
      n,
      w,
      sloppy,
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
    { dot, context, quorum }: WriteSuccess,
  ): void {
    const entry = this.#sessions.entryOf(operation);
    const { log, whiteBox } = this.#parts;
    event.isSloppy = quorum.sloppy;
    event.isOrdered = quorum.ordered;
    if (quorum.sloppy) log.count('sloppy-write');
    if (!whiteBox.homesOf(entry, operation.n).includes(quorum.coordinator)) log.count('fallback-coordinated');
    this.#settle(event, 'ok');
    const session = this.#sessions.of(operation);
    if (event.isBlindDelete) return;
    session.own = { token: tokenOf(entry, context), known: new Set([event.id]) };
    session.first ??= session.own;
    const before = seen === undefined ? EMPTY_CONTEXT : contextIn(entry, seen.token);
    const what = `${event.type} ${event.id} of ${event.key}`;
    log.report(checkAnswersOwnContext(what, { before, dot, answered: contextIn(entry, session.own.token) }));
  }

  #settle(event: WriteEvent, outcome: WriteOutcome): void {
    const { history, log, whiteBox } = this.#parts;
    event.outcome = outcome;
    event.returnedAt = history.next();
    this.#onEnd();
    log.count(`write-${outcome}`);
    if (outcome === 'not-applied') whiteBox.denied(event);
  }
}
