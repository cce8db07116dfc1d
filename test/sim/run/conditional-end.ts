/**
 * What follows for conditional writes when everything works again: rounds that somebody left are finished, every node serves
 * every key and tells the same of it, and the whole history is judged.
 *
 * A history of which the search cannot tell in its 100,000 steps whether it is linearizable fails the run, under a name of its own.
 * Legal ones take some hundred, seldom more than a thousand, those of dozens of unknown writes at once included (object-search.ts);
 * so one that takes a hundred times as many is most likely wrong, and to let a share of them pass would hide just the bugs that
 * show seldom. Rejected: to try again with more steps. What is wrong needs a number of them that is exponential in unknown writes.
 */
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import {
  checkAppends,
  checkCounter,
  checkCreateRace,
  checkLock,
  checkRefusals,
  judgeLinearizable,
} from '../checkers/conditional.ts';
import type { Violation, WriteEvent } from '../checkers/history.ts';
import { checkServed } from '../checkers/progress.ts';
import { BUCKET } from './client-sessions.ts';
import { type ObjectView, viewOf } from './conditional-sessions.ts';
import { settleUnknown, unknownWrites } from './settle-unknown.ts';
import type { Reply } from './simulated-client.ts';
import { writeIdOf } from '../checkers/dots.ts';
import type { WorkloadParts } from './workload.ts';

const TIMEOUT_MS = 10_000;
/** The last home replica of five begins to finish a round after five times its delay; and there may be many keys. Virtual ms. */
const SWEEP_MS = 120_000;
const LOOK_AGAIN_MS = 1_000;
/** Events of the last conditional writes; far above those of the plan. */
const FIRST_LAST_WRITE = 2_000_000;
const FIRST_LAST_READ = 3_000_000;

export class ConditionalEnd {
  readonly #parts: WorkloadParts;
  readonly #nodeIds: readonly NodeId[];
  #reads = 0;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
    this.#nodeIds = [...parts.world.nodes.keys()];
  }

  /** Nothing is left that was accepted and is not known to be chosen. */
  async sweep(): Promise<void> {
    const { log, whiteBox, plan } = this.#parts;
    const left = (): readonly string[] =>
      plan.options.keys.flatMap((key) =>
        whiteBox.unfinished({ bucket: BUCKET, key }).map((node) => `${key} at ${node}`),
      );
    if (left().length > 0) log.count('unfinished-at-the-end');
    for (let ms = 0; ms < SWEEP_MS && left().length > 0 && !this.#isOver; ms += LOOK_AGAIN_MS)
      await this.#runFor(LOOK_AGAIN_MS);
    const still = left();
    if (still.length === 0) return;
    const detail = `nobody has finished the rounds of ${still.join(', ')}`;
    log.report([{ invariant: 'unfinished-round', detail }]);
  }

  /** A counter is as high as the increments that were done, each of which is known then, unless the key has forgotten of some. */
  async settle(): Promise<void> {
    const { plan } = this.#parts;
    if (plan.options.conditional?.workload !== 'counter' || this.#isOver) return;
    await settleUnknown(this.#parts, this.#nodeIds, (ms) => this.#runFor(ms));
  }

  /** Linearizable reads of every key through every node, first without a verdict: that finds dead connections. */
  async readAll(): Promise<void> {
    for (const round of [0, 1]) {
      const shown = new Map<string, Map<NodeId, ObjectView>>();
      for (const key of this.#parts.plan.options.keys) {
        const views = new Map<NodeId, ObjectView>();
        shown.set(key, views);
        for (const node of this.#nodeIds)
          this.#read(key, node, round === 1, (view) => void views.set(node, view));
        await this.#runFor(200);
      }
      await this.#runFor(TIMEOUT_MS + 1_000);
      if (round === 1 && this.#mustAgree)
        for (const [key, views] of shown) this.#parts.log.report(checkAgree(key, views));
    }
  }

  /** Every key takes one more conditional write. */
  async writeAll(): Promise<void> {
    if (this.#isOver) return;
    for (const [index, key] of this.#parts.plan.options.keys.entries()) {
      const node = this.#nodeIds[index % this.#nodeIds.length] as NodeId;
      this.#read(key, node, true, (view) => this.#write(key, index, node, view));
    }
    await this.#runFor(2 * TIMEOUT_MS);
  }

  /** The whole history so far. */
  judge(): void {
    if (this.#isOver) return;
    const { plan, history, log } = this.#parts;
    const mayForget = plan.options.reapAfterMs !== undefined;
    for (const key of plan.options.keys) {
      const verdict = judgeLinearizable(history, key, mayForget);
      log.count(`linearizability-${verdict.type}`);
      if (verdict.type === 'illegal') log.report([verdict.violation]);
      if (verdict.type === 'undecided') log.report([undecided(key)]);
      log.report(checkRefusals(history, key));
      log.report(this.#workloadOf(key));
    }
  }

  #workloadOf(key: string): readonly Violation[] {
    const { plan, history, log } = this.#parts;
    switch (plan.options.conditional?.workload) {
      case 'counter': {
        log.count(unknownWrites(this.#parts, key).length === 0 ? 'counter-exact' : 'counter-in-range');
        const last = history.sights.findLast((sight) => sight.key === key);
        return checkCounter(history, key, last?.payload === undefined ? undefined : Number(last.payload));
      }
      case 'append':
        return checkAppends(history, key);
      case 'create-race':
        return checkCreateRace(history, key);
      case 'lock':
        return checkLock(history, key);
      default:
        return [];
    }
  }

  #read(key: string, node: NodeId, isJudged: boolean, then: (view: ObjectView) => void): void {
    const { history, link, log, plan } = this.#parts;
    const entry: EntryName = { bucket: BUCKET, key };
    const { n } = plan.options;
    const calledAt = history.next();
    this.#reads += 1;
    const id = FIRST_LAST_READ + this.#reads;
    link.call<ConditionalOutcome>(
      node,
      TIMEOUT_MS,
      (storageNode) =>
        storageNode.conditional({
          ...entry,
          ...{ n, timeoutMs: TIMEOUT_MS, operation: { type: 'read' }, returnRecord: false },
        }),
      (reply) => {
        const what = `a linearizable read of ${key} through ${node}`;
        if (isJudged) log.report(checkServed(what, trouble(reply, 'read')));
        if (reply.type !== 'answer' || reply.outcome.type !== 'read') return;
        const view = viewOf(reply.outcome.record);
        const { state, payload } = view;
        history.sights.push({ id, key, calledAt, returnedAt: history.next(), state, payload });
        then(view);
      },
      () => {},
    );
  }

  #write(key: string, index: number, node: NodeId, view: ObjectView): void {
    const { history, link, log, plan } = this.#parts;
    const { n, conditional } = plan.options;
    const id = FIRST_LAST_WRITE + index;
    const isCreate = view.etag === undefined;
    const payload =
      conditional?.workload === 'counter' ? `${Number(view.payload ?? 0) + 1}` : lastList(view, id);
    const bytes = new TextEncoder().encode(`${id}:${payload}`);
    const event: WriteEvent = {
      ...{ id, key, n, type: 'put', known: new Set(view.events), isBlindDelete: isCreate, value: bytes },
      condition: isCreate ? { type: 'create' } : { type: 'replace', expected: view.state },
      w: Math.floor(n / 2) + 1,
      attemptsById: 1,
      calledAt: history.next(),
      returnedAt: undefined,
      outcome: 'unknown',
    };
    history.add(event);
    link.call<ConditionalOutcome>(
      node,
      TIMEOUT_MS,
      (storageNode) =>
        storageNode.conditional({
          ...{ bucket: BUCKET, key, n, timeoutMs: TIMEOUT_MS, returnRecord: false },
          operation: {
            type: 'write',
            condition:
              view.etag === undefined
                ? { type: 'if-absent' }
                : { type: 'if-match', etags: new Set([view.etag]) },
            content: { type: 'value', contentType: 'text/plain', bytes },
            identity: { id: writeIdOf(id), firstAttempt: true, notBefore: undefined },
          },
        }),
      (reply) => {
        event.returnedAt = history.next();
        const isWritten = reply.type === 'answer' && reply.outcome.type === 'written';
        event.outcome = isWritten ? 'ok' : 'unknown';
        event.isOrdered = isWritten;
        log.report(
          checkServed(`the last conditional write of ${key} through ${node}`, trouble(reply, 'written')),
        );
      },
      () => {},
    );
  }

  /**
   * A plain write that was left on one replica comes to light with the first read that hears that one, unless something brings
   * replicas together: then one read may show it and the others, before it, not. Whether their order is one, `judge` tells.
   */
  get #mustAgree(): boolean {
    const { conditional, repairs } = this.#parts.plan.options;
    return conditional?.mode === 'cas' || repairs.readRepair || repairs.antiEntropy;
  }

  get #isOver(): boolean {
    return this.#parts.log.violation !== undefined;
  }

  /** And as long again while the link holds something back. */
  async #runFor(ms: number): Promise<void> {
    const { world, link } = this.#parts;
    while (!this.#isOver) {
      await world.loop.run(world.loop.nowUs + ms * 1_000, () => this.#isOver);
      if (!link.isBusy) return;
    }
  }
}

function undecided(key: string): Violation {
  const detail = `${key}: no order was found in time, and it is not proved that there is none`;
  return { invariant: 'linearizability-undecided', detail };
}

function lastList({ payload }: ObjectView, id: number): string {
  return [...(payload === undefined ? [] : [payload]), id].join(',');
}

function checkAgree(key: string, views: ReadonlyMap<NodeId, ObjectView>): readonly Violation[] {
  const states = new Set([...views.values()].map(({ state }) => state));
  if (states.size <= 1) return [];
  const said = [...views].map(([node, { state }]) => `${node} ${state || 'nothing'}`).join(', ');
  return [{ invariant: 'not-linearizable', detail: `nobody writes ${key}, and nodes tell of it: ${said}` }];
}

/** Undefined if the reply is what it should be. */
function trouble(reply: Reply<ConditionalOutcome>, wanted: ConditionalOutcome['type']): string | undefined {
  if (reply.type !== 'answer') return reply.type;
  return reply.outcome.type === wanted ? undefined : JSON.stringify(reply.outcome);
}
