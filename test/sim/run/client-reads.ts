/** Reads of a plan: each answer is checked when it comes, against what clients were told before, and its context is kept. */
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { Sibling } from '../../../src/core/causality/record.ts';
import { visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import type { ReadOutcome, ReadSuccess } from '../../../src/core/outcome.ts';
import { checkCoversOnlySeen } from '../checkers/contexts.ts';
import { eventOf, isValueOf } from '../checkers/dots.ts';
import type { WriteEvent } from '../checkers/history.ts';
import {
  checkAsNewAsSession,
  checkNoFalseSiblings,
  checkNoInvention,
  checkNotRevived,
  checkReadSeesAcknowledged,
  checkValuesWhole,
  coveredBy,
} from '../checkers/knowledge.ts';
import type { PlannedOperation } from '../plan/plan.ts';
import type { ClientSessions } from './client-sessions.ts';
import { contextIn, countFailure, tokenOf } from './simulated-client.ts';
import type { WorkloadParts } from './workload.ts';

export class ClientReads {
  readonly #parts: WorkloadParts;
  readonly #sessions: ClientSessions;
  readonly #onEnd: () => void;
  /** Bytes of each event's value. */
  readonly #bytes: ReadonlyMap<number, number>;

  /** `onEnd` is called when an operation has ended. */
  constructor(parts: WorkloadParts, sessions: ClientSessions, onEnd: () => void) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#onEnd = onEnd;
    this.#bytes = new Map(parts.plan.operations.map(({ id, bytes }) => [id, bytes]));
  }

  begin(operation: PlannedOperation): void {
    const { history, link, log } = this.#parts;
    const { n, r, sloppy, timeoutMs } = operation;
    const entry = this.#sessions.entryOf(operation);
    const calledAt = history.next();
    const seen = isSessionRead(operation) ? this.#sessions.contextOf(operation) : undefined;
    const atLeast = seen === undefined ? undefined : contextIn(entry, seen.token);
    link.call<ReadOutcome>(
      this.#sessions.nodeOf(operation, 0),
      timeoutMs,
      (node) => node.get({ ...entry, n, r, sloppy, timeoutMs, atLeast }),
      (reply) => {
        this.#onEnd();
        if (reply.type !== 'answer' || reply.outcome.type !== 'read') {
          log.count('read-failed');
          countFailure(log, reply);
          return;
        }
        log.count('read');
        this.#took(operation, { calledAt, known: seen?.known }, reply.outcome);
      },
      () => {},
    );
  }

  #took(
    operation: PlannedOperation,
    { calledAt, known }: { readonly calledAt: number; readonly known: ReadonlySet<number> | undefined },
    { record, quorum }: ReadSuccess,
  ): void {
    const { history, log, plan, hasLostDisk, isOldStateTrusted } = this.#parts;
    const { id, client, n, r, nodes } = operation;
    const { key } = this.#sessions.entryOf(operation);
    const siblings = record === undefined ? [] : visibleSiblings(record);
    const shown = siblings.map(eventOf).filter((event) => event !== undefined);
    const isSloppy = quorum.sloppy;
    if (isSloppy) log.count('sloppy-read');
    const read = { id, key, n, r, isSloppy, calledAt, returnedAt: history.next(), shown };
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
    log.report(checkNotRevived(history, read));
    if (plan.options.readsSeeWrites && !isOldStateTrusted())
      log.report(checkReadSeesAcknowledged(history, read));
    if (known !== undefined) {
      log.count('session-read');
      // If all that may hold the key have answered, what they hold is the answer; a strict read asks home replicas only.
      const isPromised = plan.options.sync && !hasLostDisk() && (operation.sloppy || quorum.acks < n);
      if (isPromised) log.report(checkAsNewAsSession(history, read, known));
    }
    if (record !== undefined) this.#keepRead(operation, record.context, shown);
  }

  #isWhole(event: number, { content }: Sibling): boolean {
    if (content.type === 'tombstone') return true;
    const value = this.#parts.history.write(event)?.value;
    if (value !== undefined) return Buffer.compare(value, content.bytes) === 0;
    const bytes = this.#bytes.get(event);
    return bytes !== undefined && isValueOf(content.bytes, event, bytes);
  }

  #keepRead(operation: PlannedOperation, context: CausalContext, shown: readonly number[]): void {
    const { history, log, whiteBox } = this.#parts;
    const entry = this.#sessions.entryOf(operation);
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
    const session = this.#sessions.of(operation);
    session.read = { token: tokenOf(entry, context), known: new Set(shown) };
    session.first ??= session.read;
  }
}

/** Such a read sends the context of its client's session, where it has one. */
function isSessionRead({ hasWriteId, context }: PlannedOperation): boolean {
  return hasWriteId && context !== 'none';
}

function isUnknown(write: WriteEvent | undefined): boolean {
  return write?.outcome === 'unknown' && write.returnedAt !== undefined;
}
