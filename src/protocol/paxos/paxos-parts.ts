/** All that one node has to do with the rounds of conditional requests, built as one: it votes, coordinates, and finishes. */
import { bucketConfig } from '../../core/cluster-config.ts';
import { ADMIT_TIMEOUT_MS, SWEEP_AFTER_MS } from '../../core/limits.ts';
import { type Ballot, BallotClock, highestBallot } from '../../core/paxos/ballot.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import type { Ring } from '../../core/ring/ring.ts';
import { copiesIn } from '../majorities.ts';
import { Acceptor, type AcceptorPorts, type Standing } from '../replica/acceptor.ts';
import { Acceptors } from './acceptors.ts';
import { Admission, type AdmissionPorts } from './admission.ts';
import { Collector } from './collector.ts';
import { ConditionalCoordinator, type ConditionalPorts } from './conditional-coordinator.ts';
import { Promptness } from './promptness.ts';
import { LostStoreRounds } from './lost-store-rounds.ts';
import { type StandingPorts, Standings } from './standing.ts';
import { Sweeper } from './sweeper.ts';
import type { ConditionalResult } from './waiting-request.ts';

export interface PaxosOptions
  extends Omit<AcceptorPorts, 'standingOn' | 'onWithoutVote' | 'memory'>,
    Omit<StandingPorts, 'self' | 'mayLack'>,
    Omit<AdmissionPorts, 'self' | 'homesOf' | 'neighbours' | 'finish'>,
    Pick<ConditionalPorts, 'random' | 'replicas' | 'isLowOnSpace' | 'tracer' | 'preciseClock' | 'sizes'> {
  readonly nodeId: NodeId;
  readonly ring: Ring;
  readonly losses: AcceptorPorts['losses'] & Pick<StandingPorts, 'mayLack'>;
}

export interface PaxosParts {
  readonly acceptor: Acceptor;
  readonly acceptors: Acceptors;
  readonly coordinator: ConditionalCoordinator;
  readonly admission: Admission;
  readonly collector: Collector;
  readonly lostStoreRounds: LostStoreRounds;
  readonly standingOn: (entry: EntryName) => Standing;
  /** Begins what is done in the background. */
  readonly start: () => Promise<void>;
  /** Begins nothing any more. Resolves when what runs has ended; it may wait for a peer until the peers are closed. */
  readonly close: () => Promise<unknown>;
}

export function buildPaxos(options: PaxosOptions): PaxosParts {
  const { nodeId: self, config, ring, records, peers, inFlight, incarnations, losses, floors } = options;
  const standings = new Standings({ ...options, self, mayLack: losses.mayLack });
  const standingOn = (entry: EntryName): Standing => standings.of(entry);
  const onWithoutVote = (entry: EntryName): void => admission.wanted(entry);
  const floorOf = (entry: EntryName): Ballot | undefined => floors.of(records.partitionOf(entry));
  const acceptor = new Acceptor({ ...options, standingOn, onWithoutVote });
  const acceptors = new Acceptors(self, acceptor, peers, inFlight);
  const ballots = new BallotClock(self, incarnations.opening);
  const [hedging, promptness] = [new HedgePolicy(), new Promptness()];
  const coordinator = new ConditionalCoordinator({
    ...options,
    ...{ acceptors, ballots, hedging, promptness, standingOn, floorOf },
  });
  const homesOf = (entry: EntryName): readonly NodeId[] =>
    records.homesOf(entry, bucketConfig(config, entry.bucket).n);
  const collector = new Collector({
    ...options,
    ...{ acceptors, ballots, hedging, promptness, standingOn, homesOf },
    highestOf: (entry) => highestOf(options, entry),
    dropGrant: (entry) => coordinator.dropGrant(entry),
  });
  const sweeper = new Sweeper({
    ...options,
    self,
    homesOf,
    finish: (entry, homes) => coordinator.finish(entry, homes, SWEEP_AFTER_MS),
  });
  const finish = (entry: EntryName, homes: readonly NodeId[]): Promise<ConditionalResult> =>
    coordinator.finish(entry, homes, ADMIT_TIMEOUT_MS);
  const admission = new Admission({
    ...options,
    ...{ self, homesOf, finish },
    neighbours: neighboursOf(self, ring, Math.max(...copiesIn(config))),
  });
  return {
    acceptor,
    acceptors,
    coordinator,
    admission,
    collector,
    lostStoreRounds: new LostStoreRounds({ ...options, homesOf, finish }),
    standingOn,
    start: async () => {
      await options.ownStore().start(() => acceptor.takeLostVotes());
      sweeper.start();
      admission.start();
    },
    close: () => {
      const closed = Promise.all([sweeper.close(), admission.close()]);
      coordinator.endFinishing();
      return closed;
    },
  };
}

async function highestOf(
  { acceptors, floors, records }: Pick<PaxosOptions, 'acceptors' | 'floors' | 'records'>,
  entry: EntryName,
): Promise<Ballot | undefined> {
  const state = await acceptors.get(entry);
  const floor = floors.of(records.partitionOf(entry));
  return highestBallot(state?.promised, state?.accepted, state?.chosen, floor);
}

/** Members that are home replicas of some key together with this node. */
function neighboursOf(self: NodeId, { preferenceLists }: Ring, n: number): ReadonlySet<NodeId> {
  const lists = preferenceLists.map((list) => list.slice(0, n)).filter((homes) => homes.includes(self));
  return new Set(lists.flat().filter((node) => node !== self));
}
