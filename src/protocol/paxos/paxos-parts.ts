/** All that one node has to do with the rounds of conditional requests, built as one: it votes, coordinates, and finishes. */
import { bucketConfig } from '../../core/cluster-config.ts';
import { SWEEP_AFTER_MS } from '../../core/limits.ts';
import { BallotClock } from '../../core/paxos/ballot.ts';
import { Acceptor, type AcceptorPorts, type Standing } from '../replica/acceptor.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { InFlight } from '../in-flight.ts';
import type { Peers } from '../peers/peers.ts';
import { Acceptors } from './acceptors.ts';
import { ConditionalCoordinator, type ConditionalPorts } from './conditional-coordinator.ts';
import { type StandingPorts, Standings } from './standing.ts';
import { Sweeper } from './sweeper.ts';

export interface PaxosOptions
  extends Omit<AcceptorPorts, 'standingOn'>,
    Omit<StandingPorts, 'self'>,
    Pick<ConditionalPorts, 'random' | 'replicas' | 'isLowOnSpace' | 'tracer'> {
  readonly nodeId: NodeId;
  readonly inFlight: InFlight;
  readonly peers: Peers;
}

export interface PaxosParts {
  readonly acceptor: Acceptor;
  readonly acceptors: Acceptors;
  readonly coordinator: ConditionalCoordinator;
  readonly sweeper: Sweeper;
}

export function buildPaxos(options: PaxosOptions): PaxosParts {
  const { nodeId: self, config, records, peers, inFlight, incarnations } = options;
  const standings = new Standings({ ...options, self });
  const standingOn = (entry: EntryName): Standing => standings.of(entry);
  const acceptor = new Acceptor({ ...options, standingOn });
  const acceptors = new Acceptors(self, acceptor, peers, inFlight);
  const ballots = new BallotClock(self, incarnations.opening);
  const coordinator = new ConditionalCoordinator({ ...options, acceptors, ballots, standingOn });
  const sweeper = new Sweeper({
    ...options,
    self,
    homesOf: (entry) => records.homesOf(entry, bucketConfig(config, entry.bucket).n),
    finish: (entry, homes) => coordinator.finish(entry, homes, SWEEP_AFTER_MS),
  });
  return { acceptor, acceptors, coordinator, sweeper };
}
