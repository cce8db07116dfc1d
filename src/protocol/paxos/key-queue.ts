/**
 * The conditional requests of one key that this node coordinates: all that wait share a round, in which one of those that expect the
 * same wins (race.ts says which). So they do not outbid each other; only another coordinator, which takes over when this node is
 * suspected, can do that.
 *
 * Before each round that follows a lost one there is a pause, drawn from a range that doubles: of two coordinators that duel one
 * gets its round through while the other waits (the backoff that Paxos leaves to its user; "Paxos Made Simple", 2.4, would elect
 * a leader). A dirty round is tried again at once, for what dirtied it was another client's write that is done.
 */
import { etagOf } from '../../codec/hash.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { BucketMode } from '../../core/cluster-config.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import {
  CONTENTION_PAUSE_MS,
  GATHER_PROMISES_MS,
  MAX_CONTENTION_DOUBLINGS,
  MAX_DIRTY_ROUNDS,
  MAX_ROUND_REQUESTS,
} from '../../core/limits.ts';
import type { PhaseTime, QuorumFacts } from '../../core/outcome.ts';
import { type Ballot, timeOfBallot } from '../../core/paxos/ballot.ts';
import { mayBeSent, type Verdict } from '../../core/paxos/conditional.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import { RoundLimit } from '../../core/paxos/round-limit.ts';
import type { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import type { RoundPlan } from '../../core/paxos/round-plan.ts';
import { type Grant, type LostRound, Round } from '../../core/paxos/round.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { Standing } from '../replica/acceptor.ts';
import type { Acceptors } from './acceptors.ts';
import type { ChosenRound } from './commit-round.ts';
import { quorumFacts } from './conditional-outcome.ts';
import type { Grants } from './grants.ts';
import { KeyBallots, type KeyBallotsPorts } from './key-ballots.ts';
import type { KnownObjects } from './known-objects.ts';
import { NO_BALLOT, planOn } from './plan-on.ts';
import type { Promptness } from './promptness.ts';
import { readQuickly } from './quick-read.ts';
import { Race } from './race.ts';
import { roundEvent } from './round-event.ts';
import { RoundRun } from './round-run.ts';
import type { WaitingRequest } from './waiting-request.ts';

export interface KeyQueuePorts extends KeyBallotsPorts {
  readonly acceptors: Acceptors;
  readonly hedging: HedgePolicy;
  readonly promptness: Promptness;
  /** For what is short: `clock` may be a coarse one. */
  readonly preciseClock: Clock;
  readonly random: Random;
  readonly grants: Grants;
  readonly knownObjects: KnownObjects;
  readonly tracer: Tracer;
  readonly standingOn: (entry: EntryName) => Standing;
  /** The ballot floor of the key's partition, as far as this node knows. */
  readonly floorOf: (entry: EntryName) => Ballot | undefined;
  /** Tells the home replicas what was chosen. */
  readonly commit: (entry: EntryName, homes: readonly NodeId[], chosen: ChosenRound) => void;
}

export interface QueuedKey {
  readonly entry: EntryName;
  /** Bucket and key as one text. */
  readonly name: string;
  readonly mode: BucketMode;
  /** The voters, in order of preference. */
  readonly homes: readonly NodeId[];
}

type Voter = Extract<Standing, { readonly type: 'voter' }>;

export class KeyQueue {
  readonly #ports: KeyQueuePorts;
  readonly #key: QueuedKey;
  #waiting: WaitingRequest[] = [];
  readonly #race: Race;
  readonly #ballots: KeyBallots;
  readonly #limit = new RoundLimit();
  /** Rounds that were lost one after the other, and how many of them were only dirty. */
  #lost = 0;
  #dirty = 0;

  constructor(ports: KeyQueuePorts, key: QueuedKey) {
    this.#ports = ports;
    this.#key = key;
    this.#ballots = new KeyBallots(ports);
    this.#race = new Race({ ...ports, refuse: (waiting, record) => this.#refuse(waiting, record) });
  }

  add(request: WaitingRequest): void {
    this.#waiting.push(request);
    this.#race.arrived();
  }

  /** `onEmpty` is called at the moment when nothing waits any more; what comes later needs another queue. */
  async run(onEmpty: () => void): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_ROUND_REQUESTS).filter(({ isAnswered }) => !isAnswered);
      if (batch.length > 0) this.#waiting.unshift(...(await this.#serve(this.#race.start(batch))));
      await this.#race.gather(() => this.#waiting.length);
      if (this.#waiting.length === 0) this.#race.over();
    }
    onEmpty();
  }

  /** Whether its rounds run out of time, and the next one may take longer. */
  get isSlow(): boolean {
    return this.#limit.isExtended;
  }

  get #quorum(): number {
    return Math.floor(this.#key.homes.length / 2) + 1;
  }

  /** Gives back what is not answered. */
  async #serve(batch: readonly WaitingRequest[]): Promise<readonly WaitingRequest[]> {
    const standing = this.#ports.standingOn(this.#key.entry);
    if (standing.type === 'no-voter') {
      const { reason } = standing;
      for (const waiting of batch) if (waiting.isFresh) waiting.answer({ type: 'cannot-coordinate', reason });
      // What was sent already cannot be given to somebody else.
      const sent = batch.filter(({ isAnswered }) => !isAnswered);
      if (sent.length > 0) await this.#pause();
      return sent;
    }
    const { voters } = standing;
    const { grants, clock } = this.#ports;
    const { name } = this.#key;
    const grant = grants.take(name, voters, clock.nowMs());
    if (!this.#mayChangeSomething(batch, grant)) {
      const isAnswered = await this.#readQuickly(batch, voters, grant);
      // Whoever reads has no use for it.
      if (grant !== undefined && isAnswered) grants.keep(name, grant, clock.nowMs());
      if (isAnswered) return [];
      return this.#round(batch, standing, undefined);
    }
    return this.#round(batch, standing, grant);
  }

  /**
   * Whether a round has to be tried. What is known by a grant, or of the last round, may be old, so that it refuses something is
   * only a guess. But a read can make sure of it, and writes nothing.
   */
  #mayChangeSomething(batch: readonly WaitingRequest[], grant: Grant | undefined): boolean {
    if (batch.some(({ mustPropose }) => mustPropose)) return true;
    if (batch.every(({ conditional }) => conditional.type === 'read')) return false;
    if (batch.some(({ conditional }) => mayBeSent(conditional))) return true;
    if (grant !== undefined) return !this.#planOn(grant.object, batch, grant).isUnchanged;
    const { floorOf, knownObjects } = this.#ports;
    const known = knownObjects.get(this.#key.name)?.decoded();
    if (known === undefined) return true;
    const facts = { ballot: NO_BALLOT, floor: floorOf(this.#key.entry) };
    return !this.#planOn(known, batch, facts).isUnchanged;
  }

  #planOn(
    record: KeyRecord | undefined,
    batch: readonly WaitingRequest[],
    facts: Pick<Grant, 'ballot' | 'floor'>,
  ): RoundPlan {
    return planOn(this.#ports.clock, record, batch, { ...facts, n: this.#key.homes.length });
  }

  /** Answers what a read of what is there can answer: reads, and writes whose condition does not hold. */
  async #readQuickly(
    batch: readonly WaitingRequest[],
    voters: Voters,
    grant: Grant | undefined,
  ): Promise<boolean> {
    const target = { ...this.#key, voters, quorum: this.#quorum, limitMs: this.#limitOf(batch) };
    const { clock, tracer } = this.#ports;
    const beganMs = clock.nowMs();
    const end = await readQuickly(this.#ports, target);
    if (end.type === 'round-needed') return false;
    const floor = this.#ports.floorOf(this.#key.entry);
    const plan = this.#planOn(end.record, batch, { ballot: grant?.ballot ?? NO_BALLOT, floor });
    if (!plan.isUnchanged) return false;
    const reads = batch.filter(({ conditional }) => conditional.type === 'read').length;
    tracer.trace({ type: 'quick-read', reads });
    this.#decide(batch, plan.verdicts, this.#facts([{ phase: 'read', ms: clock.nowMs() - beganMs }]));
    return true;
  }

  async #round(
    requests: readonly WaitingRequest[],
    { voters, stores }: Voter,
    grant: Grant | undefined,
  ): Promise<readonly WaitingRequest[]> {
    // Who was told during a read that it is too late must not be proposed any more.
    const batch = requests.filter(({ isAnswered }) => !isAnswered);
    if (batch.length === 0) return [];
    const { clock, commit, grants, knownObjects, tracer } = this.#ports;
    const { entry, name, mode, homes } = this.#key;
    const isWidened = this.#dirty >= MAX_DIRTY_ROUNDS;
    const mustPropose = batch.some((waiting) => waiting.mustPropose);
    const ballot = grant?.ballot ?? this.#ballots.next();
    const round = new Round({
      ballot,
      heard: this.#ballots.heard,
      voters,
      mode,
      acceptors: homes,
      quorum: this.#quorum,
      gather: isWidened ? homes.length : this.#quorum,
      requests: batch.map((waiting) => waiting.conditionalAt(timeOfBallot(ballot), clock.nowMs())),
      n: homes.length,
      etagOf,
      mustPropose,
      ...(mode === 'cas' ? { next: this.#ballots.after(ballot) } : {}),
    });
    const known = knownObjects.get(name);
    // Whoever finishes rounds wants to hear of all that was accepted, and that nobody is without a vote.
    const askedFirst = isWidened || mustPropose ? homes.length : this.#quorum;
    const times = { limitMs: this.#limitOf(batch), gatherMs: GATHER_PROMISES_MS };
    const target = { entry, homes, askedFirst, known, ...times };
    const run = new RoundRun(this.#ports, target, round);
    for (const [place, waiting] of batch.entries()) waiting.enters(run, round, place);
    const end = await run.run(grant);
    tracer.trace(roundEvent(end, grant === undefined ? 'prepared' : 'granted', batch));
    if (run.isOutOfTime) this.#limit.ranOut(target.limitMs, run.hasSomebodyFailed);
    if (end.type === 'lost') return this.#lostBy(batch, end);
    this.#limit.succeeded();
    this.#lost = 0;
    this.#dirty = 0;
    const facts = this.#facts(run.phases);
    if (end.type !== 'chosen') return this.#decide(batch, end.verdicts, facts);
    const winner = batch[end.verdicts.findIndex(({ type }) => type === 'written')];
    if (winner !== undefined) this.#race.won(winner);
    const told =
      winner === undefined
        ? []
        : batch.map((waiting, place) => !this.#race.holds(waiting, end.verdicts[place] as Verdict));
    const deferred = this.#decide(batch, end.verdicts, facts, told);
    const newcomers = new Map([...stores].filter(([node]) => round.notVoting.has(node)));
    const { proposal } = run;
    knownObjects.keep(name, proposal, clock.nowMs());
    commit(entry, homes, { ballot, object: proposal, accepted: round.accepted, voters, newcomers });
    if (end.grant !== undefined) grants.keep(name, end.grant, clock.nowMs());
    this.#race.chosen(end.commit.object);
    return deferred;
  }

  /** Gives back those that belong into another round. `told`: false of those that are answered later. */
  #decide(
    batch: readonly WaitingRequest[],
    verdicts: readonly Verdict[],
    facts: QuorumFacts,
    told: readonly boolean[] = [],
  ): readonly WaitingRequest[] {
    return batch.filter(
      (waiting, place) => told[place] !== false && !waiting.decided(verdicts[place] as Verdict, facts),
    );
  }

  /** By what is known to be chosen since the request came. */
  #refuse(waiting: WaitingRequest, record: KeyRecord | undefined): void {
    const floor = this.#ports.floorOf(this.#key.entry);
    const [verdict] = this.#planOn(record, [waiting], { ballot: NO_BALLOT, floor }).verdicts;
    if (verdict?.type === 'precondition-failed') waiting.decided(verdict, this.#facts([]));
    else this.#waiting.push(waiting);
  }

  async #lostBy(batch: readonly WaitingRequest[], end: LostRound): Promise<readonly WaitingRequest[]> {
    this.#ballots.lost(end);
    const { refusals } = end;
    const isDirty = refusals.includes('dirty');
    // Where somebody has no vote rounds outbid each other, and nobody wins.
    const isContended = (isDirty || refusals.includes('outbid')) && !refusals.includes('not-voting');
    for (const waiting of batch) waiting.lost(isContended);
    if (isDirty) this.#dirty += 1;
    if (!isDirty || this.#dirty > MAX_DIRTY_ROUNDS) await this.#pause();
    return batch;
  }

  #pause(): Promise<void> {
    const { clock, random } = this.#ports;
    const rangeMs = CONTENTION_PAUSE_MS * 2 ** Math.min(this.#lost, MAX_CONTENTION_DOUBLINGS);
    this.#lost += 1;
    return new Promise((resolve) => {
      clock.setTimer(rangeMs * (0.5 + random.fraction() / 2), resolve);
    });
  }

  /** As long as somebody of the batch waits, and never longer than a round may take. */
  #limitOf(batch: readonly WaitingRequest[]): number {
    return Math.min(this.#limit.ms, Math.max(1, ...batch.map(({ deadline }) => deadline.leftMs)));
  }

  #facts(phases: readonly PhaseTime[]): QuorumFacts {
    return quorumFacts(this.#ports.acceptors.self, this.#key.homes.length, phases);
  }
}
