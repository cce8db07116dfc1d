/**
 * A member's part in reaping tombstones (see reaper.ts): it says which records it holds just as the leader does, or not at all,
 * watches from that moment on whether anything else is stored, and lets them go when it is told to.
 *
 * What is watched is in memory only: a process that was started again has watched nothing, says so, and the round ends. Each
 * leader has one round at a time.
 */
import { recordDigest, sameBytes } from '../../codec/record-codec.ts';
import { type EntryName, type NodeId, nameOf } from '../../core/ids.ts';
import { EXCHANGE_CONCURRENCY } from '../../core/limits.ts';
import type { PeerReply, ReapEntry, ReapRequest } from '../../core/message.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import type { Collection } from '../replica/collection.ts';
import type { LocalReplica } from '../replica/local-replica.ts';

export interface TombstoneWatchPorts {
  readonly local: LocalReplica;
  /** Whether this node may lack something of this entry that was acknowledged: then it can say nothing of it. */
  readonly mayLack: (entry: EntryName) => boolean;
  /** What is kept of a key beside its record, and may have to go with it. */
  readonly collection: Collection;
  /** Resolves when nothing that this node began before is under way; rejects if it cannot be known. */
  readonly settle: () => Promise<void>;
}

interface Watched {
  readonly digest: Uint8Array;
  /** Who votes on the key, if this node does and keeps something of it that is to go, too. */
  readonly voters: Voters | undefined;
  isIntact: boolean;
}

interface Round {
  readonly id: Uint8Array;
  readonly entries: readonly ReapEntry[];
  /** By the name of the entry: those that this node holds just so, or not at all. */
  readonly watched: Map<string, Watched>;
  /** Names of entries that some Paxos round has reached, though the leader does not say so. */
  readonly votedOn: Set<string>;
}

export class TombstoneWatch {
  readonly #ports: TombstoneWatchPorts;
  readonly #rounds = new Map<NodeId, Round>();

  constructor(ports: TombstoneWatchPorts) {
    this.#ports = ports;
  }

  /** A record changed; told in its key's serial section. */
  changed(entry: EntryName, after: Uint8Array | undefined): void {
    if (this.#rounds.size === 0) return;
    const name = nameOf(entry);
    for (const { watched } of this.#rounds.values()) {
      const known = watched.get(name);
      if (known !== undefined && !isEqualOrNothing(after, known.digest)) known.isIntact = false;
    }
  }

  /** Never rejects for what a peer does; rejects if the store failed. */
  async serve(request: ReapRequest): Promise<PeerReply> {
    if (request.type === 'reap-watch') return this.#watch(request);
    const round = this.#rounds.get(request.leader);
    if (round === undefined || !sameBytes(round.id, request.round)) return refused('no such round');
    switch (request.type) {
      case 'reap-settle':
        return this.#settle();
      case 'reap-check':
        return { type: request.type, intact: round.entries.map((entry) => isIntact(round, entry)) };
      case 'reap-drop':
        this.#rounds.delete(request.leader);
        return { type: request.type, dropped: await this.#drop(round, request.places) };
    }
  }

  async #watch({
    leader,
    round: id,
    entries,
  }: Extract<ReapRequest, { type: 'reap-watch' }>): Promise<PeerReply> {
    const round: Round = { id, entries, watched: new Map(), votedOn: new Set() };
    this.#rounds.set(leader, round);
    await inGroups(entries, (entry) => this.#look(entry, round));
    const votedOn = entries.flatMap((entry, place) => (round.votedOn.has(nameOf(entry)) ? [place] : []));
    return { type: 'reap-watch', held: entries.map((entry) => isIntact(round, entry)), votedOn };
  }

  async #look(entry: ReapEntry, { watched, votedOn }: Round): Promise<void> {
    const { local, mayLack, collection } = this.#ports;
    const { digest, chosenAt } = entry;
    await local.inSection(entry, async (loaded) => {
      if (loaded.type === 'unreadable' || mayLack(entry)) return;
      const kept = await collection.look(entry, chosenAt);
      if (kept.type !== 'not-voted-on' && chosenAt === undefined) votedOn.add(nameOf(entry));
      if (kept.type === 'kept' || !isEqualOrNothing(loaded.encoded, digest)) return;
      const voters = kept.type === 'collectable' ? kept.voters : undefined;
      // Who votes on it was told that just this is chosen.
      if (voters !== undefined && loaded.encoded === undefined) return;
      watched.set(nameOf(entry), { digest, voters, isIntact: true });
    });
  }

  async #settle(): Promise<PeerReply> {
    try {
      await this.#ports.settle();
      return { type: 'reap-settle' };
    } catch (error) {
      return refused(error instanceof Error ? error.message : String(error));
    }
  }

  async #drop(round: Round, places: readonly number[]): Promise<number> {
    const entries = places.flatMap((place) => round.entries.slice(place, place + 1));
    let dropped = 0;
    await inGroups(entries, async (entry) => {
      if (await this.#dropOne(round, entry)) dropped += 1;
    });
    return dropped;
  }

  #dropOne({ watched }: Round, entry: ReapEntry): Promise<boolean> {
    const { local, collection } = this.#ports;
    const voters = watched.get(nameOf(entry))?.voters;
    if (voters === undefined) return local.drop(entry, entry.digest);
    return local.drop(entry, entry.digest, (encoded) => collection.prepare(entry, encoded, voters));
  }
}

/** A few at once, group after group. */
async function inGroups(
  entries: readonly ReapEntry[],
  work: (entry: ReapEntry) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < entries.length; start += EXCHANGE_CONCURRENCY) {
    await Promise.all(entries.slice(start, start + EXCHANGE_CONCURRENCY).map(work));
  }
}

function isIntact({ watched }: Round, entry: EntryName): boolean {
  return watched.get(nameOf(entry))?.isIntact ?? false;
}

function isEqualOrNothing(encoded: Uint8Array | undefined, digest: Uint8Array): boolean {
  return encoded === undefined || sameBytes(recordDigest(encoded), digest);
}

function refused(reason: string): PeerReply {
  return { type: 'request-refused', reason };
}
