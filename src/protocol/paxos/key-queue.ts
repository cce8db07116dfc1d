/**
 * The conditional requests of one key that this node coordinates: first come, first served, and all that wait share a round. So
 * they do not outbid each other; only another coordinator, which takes over when this node is suspected, can do that.
 *
 * Before each round that follows a lost one there is a pause, drawn from a range that doubles: of two coordinators that duel one
 * gets its round through while the other waits (the backoff that Paxos leaves to its user; "Paxos Made Simple", 2.4, would elect
 * a leader). A dirty round is tried again at once, for what dirtied it was another client's write that is done.
 */
import { etagOf } from '../../codec/hash.ts';
import type { EntryName, NodeId, StoreId } from '../../core/ids.ts';
import {
  CONTENTION_PAUSE_MS,
  GATHER_PROMISES_MS,
  MAX_CONTENTION_DOUBLINGS,
  MAX_DIRTY_ROUNDS,
  MAX_ROUND_REQUESTS,
  ROUND_TIMEOUT_MS,
} from '../../core/limits.ts';
import type { QuorumFacts } from '../../core/outcome.ts';
import { type Ballot, type BallotClock, highestBallot } from '../../core/paxos/ballot.ts';
import type { Verdict } from '../../core/paxos/conditional.ts';
import type { Commit, Voters } from '../../core/paxos/messages.ts';
import { type LostRound, Round } from '../../core/paxos/round.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Standing } from '../replica/acceptor.ts';
import type { Acceptors } from './acceptors.ts';
import { readQuickly } from './quick-read.ts';
import { RoundRun } from './round-run.ts';
import type { WaitingRequest } from './waiting-request.ts';

export interface KeyQueuePorts {
  readonly acceptors: Acceptors;
  readonly ballots: BallotClock;
  readonly clock: Clock;
  readonly random: Random;
  readonly standingOn: (entry: EntryName) => Standing;
  /** Tells the home replicas what was chosen. */
  readonly commit: (entry: EntryName, homes: readonly NodeId[], chosen: ChosenRound) => void;
}

/** What a round has chosen, by which voters, and which of the home replicas were none yet: they are from now on. */
export interface ChosenRound extends Commit {
  readonly voters: Voters;
  /** With the stores by which `voters` names them. */
  readonly newcomers: ReadonlyMap<NodeId, StoreId>;
}

export interface QueuedKey {
  readonly entry: EntryName;
  /** The voters, in order of preference. */
  readonly homes: readonly NodeId[];
}

type Voter = Extract<Standing, { readonly type: 'voter' }>;

export class KeyQueue {
  readonly #ports: KeyQueuePorts;
  readonly #key: QueuedKey;
  #waiting: WaitingRequest[] = [];
  #highest: Ballot | undefined;
  /** Rounds that were lost one after the other, and how many of them were only dirty. */
  #lost = 0;
  #dirty = 0;

  constructor(ports: KeyQueuePorts, key: QueuedKey) {
    this.#ports = ports;
    this.#key = key;
  }

  add(request: WaitingRequest): void {
    this.#waiting.push(request);
  }

  /** `onEmpty` is called at the moment when nothing waits any more; what comes later needs another queue. */
  async run(onEmpty: () => void): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_ROUND_REQUESTS).filter(({ isAnswered }) => !isAnswered);
      if (batch.length > 0) this.#waiting.unshift(...(await this.#serve(batch)));
    }
    onEmpty();
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
    if (batch.every(({ request, mustPropose }) => request.operation.type === 'read' && !mustPropose)) {
      const isAnswered = await this.#readQuickly(batch, standing.voters);
      if (isAnswered) return [];
    }
    return this.#round(batch, standing);
  }

  async #readQuickly(batch: readonly WaitingRequest[], voters: Voters): Promise<boolean> {
    const target = { ...this.#key, voters, quorum: this.#quorum, limitMs: limitOf(batch) };
    const end = await readQuickly(this.#ports, target);
    if (end.type === 'round-needed') return false;
    for (const waiting of batch) waiting.decided({ type: 'read', record: end.record }, this.#facts());
    return true;
  }

  async #round(batch: readonly WaitingRequest[], standing: Voter): Promise<readonly WaitingRequest[]> {
    const { ballots, clock, commit } = this.#ports;
    const { voters, stores } = standing;
    const { entry, homes } = this.#key;
    const isWidened = this.#dirty >= MAX_DIRTY_ROUNDS;
    const round = new Round({
      ballot: ballots.next(clock.wallMs(), this.#highest),
      voters,
      acceptors: homes,
      quorum: this.#quorum,
      gather: isWidened ? homes.length : this.#quorum,
      requests: batch.map(({ conditional }) => conditional),
      n: homes.length,
      etagOf,
      mustPropose: batch.some(({ mustPropose }) => mustPropose),
    });
    const target = { entry, homes, limitMs: limitOf(batch), gatherMs: GATHER_PROMISES_MS };
    const run = new RoundRun(this.#ports, target, round);
    for (const [place, waiting] of batch.entries()) waiting.enters(run, round, place);
    const end = await run.run();
    if (end.type === 'lost') return this.#lostBy(batch, end);
    this.#lost = 0;
    this.#dirty = 0;
    const deferred = this.#decide(batch, end.verdicts);
    if (end.type === 'chosen') {
      const newcomers = new Map([...stores].filter(([node]) => round.notVoting.has(node)));
      commit(entry, homes, { ...end.commit, voters, newcomers });
    }
    return deferred;
  }

  #decide(batch: readonly WaitingRequest[], verdicts: readonly Verdict[]): readonly WaitingRequest[] {
    const facts = this.#facts();
    return batch.filter((waiting, place) => !waiting.decided(verdicts[place] as Verdict, facts));
  }

  async #lostBy(
    batch: readonly WaitingRequest[],
    { refusals, highest }: LostRound,
  ): Promise<readonly WaitingRequest[]> {
    this.#highest = highestBallot(this.#highest, highest);
    const isDirty = refusals.includes('dirty');
    for (const waiting of batch) waiting.lost(isDirty || refusals.includes('outbid'));
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

  #facts(): QuorumFacts {
    const quorum = this.#quorum;
    return {
      n: this.#key.homes.length,
      required: quorum,
      acks: quorum,
      sloppy: false,
      ordered: true,
      coordinator: this.#ports.acceptors.self,
    };
  }
}

/** As long as somebody of the batch waits, and never longer than a round may take. */
function limitOf(batch: readonly WaitingRequest[]): number {
  return Math.min(ROUND_TIMEOUT_MS, Math.max(1, ...batch.map(({ deadline }) => deadline.leftMs)));
}
