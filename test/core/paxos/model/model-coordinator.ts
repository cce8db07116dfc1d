/**
 * A proposer of the model: the conditional requests that came to one node, in a queue, and the one round that is on. It does what
 * a coordinator has to do around core's Round, in the simplest way.
 */
import type { BucketMode } from '../../../../src/core/cluster-config.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import { type Ballot, highestBallot, timeOfBallot } from '../../../../src/core/paxos/ballot.ts';
import { certaintyOf } from '../../../../src/core/paxos/write-certainty.ts';
import type { Conditional, Verdict } from '../../../../src/core/paxos/conditional.ts';
import type { LinearizableRead, ReadVerdict } from '../../../../src/core/paxos/linearizable-read.ts';
import type { Commit } from '../../../../src/core/paxos/messages.ts';
import type { Grant, LostRound, Round, RoundStep } from '../../../../src/core/paxos/round.ts';
import type { ModelNode } from './model-node.ts';
import type { ModelHost, ModelOperation } from './model-operation.ts';
import type { ModelRules } from './model-rules.ts';
import { contentOf, digestOf, etagOf } from './record-names.ts';

const MAX_ROUNDS = 3;

interface Running {
  readonly round: Round;
  readonly operations: readonly ModelOperation[];
  readonly acceptors: readonly ModelNode[];
  /** Those of them that were asked so far; what is chosen is told to all. */
  asked: readonly ModelNode[];
  /** What the phase that is on asks of each. */
  ask: (acceptor: ModelNode) => void;
  /** What the round is for, beside its requests: to let a node vote, or to forget the key. */
  readonly purpose: { readonly admit: ModelNode } | 'collect' | undefined;
}

export class ModelCoordinator {
  readonly #node: ModelNode;
  readonly #nodes: readonly ModelNode[];
  readonly #host: ModelHost;
  readonly #rules: ModelRules;
  readonly #mode: BucketMode;
  readonly #usesGrants: boolean;
  readonly #isThrifty: boolean;
  #queue: ModelOperation[] = [];
  #running: Running | undefined;
  #reading:
    | { readonly operation: ModelOperation; readonly read: Pick<LinearizableRead, 'onReply'> }
    | undefined;
  #grant: Grant | undefined;
  #highest: Ballot | undefined;
  #dirty = 0;

  constructor(
    node: ModelNode,
    nodes: readonly ModelNode[],
    host: ModelHost,
    rules: ModelRules,
    {
      mode,
      usesGrants,
      isThrifty,
    }: { readonly mode: BucketMode; readonly usesGrants: boolean; readonly isThrifty: boolean },
  ) {
    this.#isThrifty = isThrifty;
    this.#mode = mode;
    this.#node = node;
    this.#nodes = nodes;
    this.#host = host;
    this.#rules = rules;
    this.#usesGrants = usesGrants;
  }

  get isBusy(): boolean {
    return this.#running !== undefined || this.#reading !== undefined;
  }

  take(operation: ModelOperation): void {
    if (operation.request.type === 'read' && !this.isBusy && this.#host.chance(75))
      this.#startRead(operation);
    else {
      this.#queue.push(operation);
      this.#startNext();
    }
  }

  /** Loses everything but what the node made durable; clients hear nothing. */
  crash(): void {
    const { operations = [] } = this.#running ?? {};
    const abandoned = [
      ...operations,
      ...this.#queue,
      ...(this.#reading === undefined ? [] : [this.#reading.operation]),
    ];
    this.#running = undefined;
    this.#reading = undefined;
    this.#queue = [];
    this.#grant = undefined;
    for (const operation of abandoned) this.#host.answer(operation, { type: 'unknown' });
  }

  /** What is waited for takes too long. */
  timeOut(): void {
    const running = this.#running;
    if (running !== undefined && running.asked.length < running.acceptors.length && this.#host.chance(70)) {
      const others = running.acceptors.filter((acceptor) => !running.asked.includes(acceptor));
      running.asked = running.acceptors;
      for (const acceptor of others) running.ask(acceptor);
    } else if (running !== undefined) {
      const step = running.round.proceed();
      if (step.type === 'wait') this.#onStep(running, running.round.abandon());
      else this.#onStep(running, step);
    } else if (this.#reading !== undefined)
      this.#afterRead({ type: 'round-needed' }, this.#reading.operation);
  }

  admit(newcomer: ModelNode): void {
    if (!this.isBusy) this.#startRound([], { admit: newcomer });
  }

  collect(): void {
    if (!this.isBusy) this.#startRound([], 'collect');
  }

  #startNext(): void {
    if (this.isBusy || this.#queue.length === 0) return;
    const operations = this.#queue;
    this.#queue = [];
    this.#startRound(operations, undefined);
  }

  #startRound(operations: readonly ModelOperation[], purpose: Running['purpose']): void {
    const isAdmission = typeof purpose === 'object';
    const acceptors = isAdmission ? this.#nodes.filter((node) => node !== purpose.admit) : this.#nodes;
    const majority = Math.floor(this.#nodes.length / 2) + 1;
    const { voters, clock, skewMs } = this.#node;
    const nowMs = Math.max(0, this.#host.nowMs + skewMs);
    const grant = purpose === undefined && this.#grant?.voters === voters ? this.#grant : undefined;
    if (this.#rules.grantsAreTaken) this.#grant = undefined;
    const ballot = grant?.ballot ?? clock.next({ wallMs: nowMs, nowMs }, this.#highest);
    const quorum = purpose === 'collect' ? this.#nodes.length : majority;
    const round = this.#rules.newRound({
      mode: this.#mode,
      ballot,
      heard: this.#highest,
      voters,
      acceptors: acceptors.map(({ id }) => id),
      quorum,
      gather: this.#dirty > 1 ? acceptors.length : quorum,
      requests: operations.map((operation) => this.#requestOf(operation)),
      n: this.#nodes.length,
      mustPropose: purpose !== undefined,
      etagOf,
      ...(this.#usesGrants && purpose === undefined
        ? { next: clock.after(ballot, { wallMs: nowMs, nowMs }) }
        : {}),
    });
    const isThrifty = this.#isThrifty && purpose === undefined && this.#dirty <= 1;
    const asked = isThrifty ? this.#someOf(acceptors, quorum) : acceptors;
    const running: Running = { round, operations, acceptors, asked, ask: () => {}, purpose };
    this.#running = running;
    for (const operation of operations) operation.rounds += 1;
    this.#host.log(
      () =>
        `${this.#node.id} ${grant === undefined ? 'prepares' : 'is granted'} ${ballot.slice(9, 16)} for ${operations.map(({ number }) => number).join()}`,
    );
    if (grant !== undefined) this.#onStep(running, round.startGranted(grant));
    else this.#prepare(running);
  }

  #requestOf(operation: ModelOperation): Conditional {
    const { request, seen, number, attempts } = operation;
    if (request.type === 'read' || request.type === 'put') return { type: 'read' };
    return {
      type: 'write',
      condition:
        request.type === 'create'
          ? { type: 'if-absent' }
          : { type: 'if-match', etags: new Set([seen?.etag ?? '']) },
      content: contentOf(request.type === 'cas-delete'),
      identity: {
        id: this.#rules.writeId(number, attempts),
        requestDigest: 'd',
        firstAttempt: !mayBeApplied(operation),
        notBefore: operation.notBefore,
        mayBeElsewhere: this.#rules.retriesAreSettled && operation.isRetry,
        takenAtMs: timeOfBallot(operation.notBefore),
        knownMs: timeOfBallot(operation.notBefore),
      },
    };
  }

  #prepare(running: Running): void {
    const message = running.round.prepare();
    this.#askAsked(running, (acceptor) => {
      this.#ask(
        () =>
          acceptor.carryOut(
            this.#rules.decidePrepare(acceptor.held, message, acceptor.asAcceptor(this.#host.nowMs)),
          ),
        (reply) => {
          this.#host.log(
            () =>
              `${this.#node.id} <- ${acceptor.id} ${reply.type} ${reply.type === 'rejected' ? reply.reason : ''}`,
          );
          this.#onStep(running, running.round.onPrepareReply(acceptor.id, reply));
        },
      );
    });
  }

  #askAsked(running: Running, ask: (acceptor: ModelNode) => void): void {
    running.ask = ask;
    for (const acceptor of running.asked) ask(acceptor);
  }

  /** A request and its answer, each of which may be lost or doubled. */
  #ask<Reply>(request: () => Reply, onReply: (reply: Reply) => void): void {
    this.#host.send(() => {
      const reply = request();
      this.#host.send(() => onReply(reply));
    });
  }

  #onStep(running: Running, step: RoundStep): void {
    if (this.#running !== running || step.type === 'wait') return;
    switch (step.type) {
      case 'accept':
        if (this.#isThrifty && running.purpose === undefined)
          running.asked = this.#someOf(running.acceptors, Math.floor(this.#nodes.length / 2) + 1);
        this.#askAsked(running, (acceptor) => {
          this.#ask(
            () => {
              const reply = acceptor.carryOut(
                this.#rules.decideAccept(acceptor.held, step.message, acceptor.asAcceptor(this.#host.nowMs)),
              );
              this.#host.log(
                () =>
                  `${acceptor.id} on accept ${step.message.ballot.slice(9, 16)}: ${reply.type} ${reply.type === 'rejected' ? reply.reason : ''}`,
              );
              return reply;
            },
            (reply) => this.#onStep(running, running.round.onAcceptReply(acceptor.id, reply)),
          );
        });
        return;
      case 'answered':
        this.#running = undefined;
        return this.#onVerdicts(running.operations, step.verdicts);
      case 'chosen':
        this.#running = undefined;
        this.#dirty = 0;
        if (running.purpose === undefined) this.#grant = step.grant;
        this.#commit(running, step.commit);
        return this.#onVerdicts(running.operations, step.verdicts);
      case 'lost':
        this.#running = undefined;
        return this.#onLost(running, step);
    }
  }

  /** So many of them, next to each other. */
  #someOf(acceptors: readonly ModelNode[], count: number): readonly ModelNode[] {
    const start = this.#host.draw(acceptors.length);
    return [...acceptors, ...acceptors].slice(start, start + count);
  }

  #onLost({ operations, round, acceptors, asked }: Running, { highest, refusals }: LostRound): void {
    for (const acceptor of acceptors) if (!asked.includes(acceptor)) round.neverAsked(acceptor.id);
    this.#highest = highestBallot(this.#highest, highest);
    if (refusals.includes('dirty')) this.#dirty += 1;
    this.#host.log(() => `${this.#node.id} lost the round: ${refusals.join()}`);
    if (round.exposed !== undefined) operations[round.exposed]?.lostRounds.push(round);
    const again = operations.filter((operation) => {
      if (operation.rounds < MAX_ROUNDS) return true;
      this.#host.answer(operation, { type: mayBeApplied(operation) ? 'unknown' : 'failed' });
      return false;
    });
    this.#queue.unshift(...again);
    this.#startNext();
  }

  #onVerdicts(operations: readonly ModelOperation[], verdicts: readonly Verdict[]): void {
    for (const [index, operation] of operations.entries()) {
      const verdict = verdicts[index] as Verdict;
      this.#host.log(() => `${this.#node.id} answers ${operation.number} by ${verdict.type}`);
      switch (verdict.type) {
        case 'written':
        case 'repeated':
          this.#host.answer(operation, { type: 'ok' }, verdict.record);
          break;
        case 'precondition-failed':
        case 'read':
          this.#host.answer(operation, { type: 'shown', state: 0 }, verdict.record);
          break;
        case 'refused':
          this.#host.answer(operation, { type: 'failed' });
          break;
        case 'expired':
          this.#host.answer(operation, { type: 'unknown' });
          break;
        case 'deferred':
          this.#queue.push(operation);
          break;
        case 'settled':
        case 'reused':
          throw new Error('no operation of this model takes the id of another one');
      }
    }
    this.#startNext();
  }

  #commit({ acceptors, purpose }: Running, commit: Commit): void {
    const committed = new Set<ModelNode>();
    for (const acceptor of this.#nodes) {
      this.#ask(
        () =>
          acceptor.carryOut(
            this.#rules.decideCommit(acceptor.held, commit, acceptor.asAcceptor(this.#host.nowMs)),
          ),
        (reply) => {
          if (purpose !== 'collect' || reply.type === 'rejected') return;
          committed.add(acceptor);
          if (committed.size === acceptors.length) this.#sendCollect(commit);
        },
      );
    }
    if (typeof purpose === 'object') this.#sendAdmit(purpose.admit, commit);
  }

  #sendCollect({ ballot, object }: Commit): void {
    if (object === undefined) return;
    for (const acceptor of this.#nodes) {
      this.#host.send(() => {
        const { floor } = this.#rules.decideCollect(
          acceptor.held,
          { type: 'collect', ballot, object },
          acceptor.asAcceptor(this.#host.nowMs),
        );
        if (floor !== undefined) acceptor.collect(floor);
        this.#host.log(() => `${acceptor.id} ${floor === undefined ? 'keeps' : 'forgets'} the key`);
      });
    }
  }

  #sendAdmit(newcomer: ModelNode, { ballot, object }: Commit): void {
    const { voters } = this.#node;
    const { store } = newcomer;
    this.#host.send(() => {
      const message = { type: 'admit', voters, store, ballot, object } as const;
      const reply = newcomer.carryOut(
        this.#rules.decideAdmit(newcomer.held, message, newcomer.asAcceptor(this.#host.nowMs)),
      );
      this.#host.log(() => `${newcomer.id} is let in: ${reply.type}`);
    });
  }

  #startRead(operation: ModelOperation): void {
    const { voters } = this.#node;
    const quorum = Math.floor(this.#nodes.length / 2) + 1;
    const acceptors = this.#nodes.map(({ id }) => id);
    const read = this.#rules.newRead({ voters, acceptors, quorum, mode: this.#mode });
    this.#reading = { operation, read };
    const held = new Map<string, KeyRecord | undefined>();
    for (const acceptor of this.#nodes) {
      this.#ask(
        () =>
          this.#rules.decideRead(
            acceptor.held,
            { type: 'read-key', voters },
            acceptor.asAcceptor(this.#host.nowMs),
          ).reply,
        (reply) => {
          if (this.#reading?.read !== read) return;
          const isView = reply.type === 'key-view';
          if (isView && !held.has(acceptor.id)) held.set(acceptor.id, reply.record);
          const view = isView ? { ...reply, digest: digestOf(reply.record) } : undefined;
          const verdict = read.onReply(acceptor.id, view);
          this.#afterRead(
            verdict,
            operation,
            verdict.type === 'settled' ? held.get(verdict.node) : undefined,
          );
        },
      );
    }
  }

  #afterRead(verdict: ReadVerdict, operation: ModelOperation, record?: KeyRecord): void {
    if (verdict.type === 'wait') return;
    this.#reading = undefined;
    this.#host.log(() => `${this.#node.id} reads for ${operation.number}: ${verdict.type}`);
    if (verdict.type === 'settled') this.#host.answer(operation, { type: 'shown', state: 0 }, record);
    else this.#queue.push(operation);
    this.#startNext();
  }
}

function mayBeApplied({ isRetry, lostRounds }: ModelOperation): boolean {
  return certaintyOf({ firstAttempt: !isRetry, rounds: lostRounds }) === 'unknown';
}
