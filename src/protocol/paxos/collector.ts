/**
 * The round that comes before a deleted key is collected (rule: protocol/reaping/reaper.ts). It proposes what it finds, and differs
 * from others in this: all N home replicas have to promise, accept, and learn that it is chosen; nothing is promised for a next one;
 * and what it finds must be just the tombstone that is to go.
 *
 * Its ballot is just above all that is known, and not one of this moment: the floor that comes of it is that of a whole partition, and
 * first attempts that were taken before its time are not answered (core/paxos/round-plan.ts).
 */
import { etagOf } from '../../codec/hash.ts';
import { encodeRecord, recordDigest, sameBytes } from '../../codec/record-codec.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { ROUND_TIMEOUT_MS } from '../../core/limits.ts';
import type { ReapEntry } from '../../core/message.ts';
import { type Ballot, type BallotClock, highestBallot } from '../../core/paxos/ballot.ts';
import type { Commit } from '../../core/paxos/messages.ts';
import { Round } from '../../core/paxos/round.ts';
import type { HedgePolicy } from '../../core/quorum/hedge-policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Standing } from '../replica/acceptor.ts';
import type { Acceptors } from './acceptors.ts';
import type { Promptness } from './promptness.ts';
import { type RoundEnd, RoundRun } from './round-run.ts';

/** The first learns what the others know, the second is above all of it; a third for what comes in between. */
const ATTEMPTS = 3;

export interface CollectorPorts {
  readonly acceptors: Acceptors;
  readonly ballots: BallotClock;
  readonly clock: Clock;
  readonly hedging: HedgePolicy;
  readonly promptness: Promptness;
  readonly config: ClusterConfig;
  readonly standingOn: (entry: EntryName) => Standing;
  /** The voters of the key, in order of preference. */
  readonly homesOf: (entry: EntryName) => readonly NodeId[];
  /** What this node was promised beforehand for the key is of no use after the round. */
  readonly dropGrant: (entry: EntryName) => void;
  /** The highest ballot that this node knows of the key and its partition. Rejects if it cannot be known. */
  readonly highestOf: (entry: EntryName) => Promise<Ballot | undefined>;
}

export class Collector {
  readonly #ports: CollectorPorts;

  constructor(ports: CollectorPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves to the ballot under which all home replicas have accepted just this record, and know that it is chosen; undefined if
   * one of them did not. Never rejects.
   */
  async entomb({ bucket, key, digest }: ReapEntry): Promise<Ballot | undefined> {
    const entry = { bucket, key };
    const { homesOf, highestOf, dropGrant } = this.#ports;
    dropGrant(entry);
    const homes = homesOf(entry);
    let highest: Ballot | undefined;
    try {
      highest = await highestOf(entry);
    } catch {
      return undefined;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const end = await this.#round(entry, homes, highest);
      if (end?.type === 'chosen') {
        const isEntombed =
          isJust(entry, end.commit, digest) && (await this.#commit(entry, homes, end.commit));
        return isEntombed ? end.commit.ballot : undefined;
      }
      if (end?.type !== 'lost' || end.highest === undefined) return undefined;
      highest = highestBallot(highest, end.highest);
    }
    return undefined;
  }

  async #round(
    entry: EntryName,
    homes: readonly NodeId[],
    seen: Ballot | undefined,
  ): Promise<RoundEnd | undefined> {
    const { standingOn, ballots, clock, config } = this.#ports;
    const standing = standingOn(entry);
    // Nor would this node forget the key by it (core/paxos/acceptor.ts, decideCollect).
    if (standing.type === 'no-voter' || standing.isNewcomer) return undefined;
    const n = homes.length;
    const round = new Round({
      ballot: ballots.above(seen, clock.nowMs()),
      heard: seen,
      voters: standing.voters,
      mode: bucketConfig(config, entry.bucket).mode,
      acceptors: homes,
      ...{ quorum: n, gather: n, n },
      requests: [],
      etagOf,
      mustPropose: true,
    });
    const times = { askedFirst: n, limitMs: ROUND_TIMEOUT_MS, gatherMs: ROUND_TIMEOUT_MS };
    return new RoundRun(this.#ports, { entry, homes, known: undefined, ...times }, round).run(undefined);
  }

  /** Resolves to whether all of them have it. */
  async #commit(
    { bucket, key }: EntryName,
    homes: readonly NodeId[],
    { ballot, object }: Commit,
  ): Promise<boolean> {
    const encoded = object === undefined ? undefined : encodeRecord({ bucket, key }, object);
    const request = { type: 'paxos-commit', bucket, key, ballot, object: encoded } as const;
    const ask = (node: NodeId): Promise<boolean> =>
      new Promise((resolve) => {
        this.#ports.acceptors.ask(node, request, (reply) =>
          resolve(reply?.type === 'paxos-commit' && reply.reply.type === 'committed'),
        );
      });
    return (await Promise.all(homes.map(ask))).every((isCommitted) => isCommitted);
  }
}

function isJust(entry: EntryName, { object }: Commit, digest: Uint8Array): boolean {
  return object !== undefined && sameBytes(recordDigest(encodeRecord(entry, object)), digest);
}
