/**
 * As whom this node votes on a key. It votes if it is one of the home replicas of the bucket's N, lacks nothing, and knows the
 * stores of all of them; that knowledge is what the name of the voters stands for (core/paxos/messages.ts).
 *
 * A peer's store counts as known when it is written down, and when that peer has said hello to this process. The second is for
 * a store that was rolled back: what it has promised and accepted, and lost, only those know whom it was told. So a process that
 * was started again does not vote before every other home replica has had its say on the store. The price: as long as one
 * home replica is away, another one that is started again has no vote in its keys.
 *
 * After a crash no rule that needs less is sound. Of A, B and C, A and B choose a write; A answers its client, and dies before
 * anything of it reaches C. That B has accepted is known to A, and to B's disk. B is started again with an older state of it. C
 * knows nothing of the write, and what it remembers of B's store is from before: if B and C voted now, the write were gone.
 * Nothing that travels with or after the round helps, be it the marks of all stores in hellos or in commits: C would have to have it
 * before the answer, which would cost every write another round trip. (After a close in good order one other node, and only
 * one, could keep the last number of the store, and give it back once: two that keep it would do so for two copies of the
 * disk. Rejected: it helps planned restarts only, and only while that very node is there.) So who wants it otherwise has to know
 * what no node can: that this disk is the one that the process left. An operator says so by naming the nodes that are not
 * waited for (`votesWithout`). Those that are there have their say all the same.
 *
 * Limits: what a peer has heard of a store in the last moment before both crash may not be written down yet. It is written with
 * the next thing that its acceptor accepts or learns to be chosen, which is a sync later than the answer at most; so only a disk
 * that loses what it confirmed in that very moment, together with a crash of all that it told, goes unnoticed.
 *
 * A majority of two is both. So the other one has a part in all that was ever chosen or promised, and all that is yet to be: what
 * this store has lost is missed by nobody, and it is never a newcomer.
 */
import { votersName } from '../../codec/hash.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { ConfigurationEpoch, EntryName, NodeId, StoreId } from '../../core/ids.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import type { StoreMemory } from '../peers/store-memory.ts';
import type { OwnStore } from '../recovery/own-store.ts';
import type { Standing } from '../replica/acceptor.ts';
import type { RecordStore } from '../replica/record-store.ts';
import type { Voteless } from '../store-opening.ts';

export interface StandingPorts {
  readonly self: NodeId;
  readonly config: ClusterConfig;
  readonly epoch: ConfigurationEpoch;
  readonly records: RecordStore;
  readonly memory: StoreMemory;
  /** It is made later than what asks for it. */
  readonly ownStore: () => OwnStore;
  /** Whether this node may lack something of this entry that was acknowledged. */
  readonly mayLack: (entry: EntryName) => boolean;
  /** Home replicas that need not have said hello to this process. */
  readonly votesWithout?: ReadonlySet<NodeId>;
}

interface NamedVoters {
  readonly stores: ReadonlyMap<NodeId, StoreId>;
  readonly voters: Voters;
}

export class Standings {
  readonly #ports: StandingPorts;
  /** By the ids of the home replicas, in their order: their stores change seldom, and are compared faster than named. */
  readonly #named = new Map<string, NamedVoters>();

  constructor(ports: StandingPorts) {
    this.#ports = ports;
  }

  of(entry: EntryName): Standing {
    const { self, config, records, mayLack } = this.#ports;
    const homes = records.homesOf(entry, bucketConfig(config, entry.bucket).n);
    if (!homes.includes(self)) return noVoter(`${self} is no home replica of this key`);
    if (mayLack(entry)) return noVoter(`${self} has lost something, and has not got it back yet`);
    const own = this.#ports.ownStore();
    const named = this.#named.get(homes.join('\0'));
    const known = named !== undefined && this.#isAsNamed(named) ? named : this.#name(homes);
    if (typeof known === 'string') return noVoter(known);
    return {
      type: 'voter',
      ...known,
      store: own.storeId,
      isNewcomer: isNewcomer(own.voteless, homes.length),
    };
  }

  #isAsNamed({ stores }: NamedVoters): boolean {
    for (const [home, store] of stores) if (this.#storeOf(home) !== store) return false;
    return true;
  }

  /** A reason if some store is not known. */
  #name(homes: readonly NodeId[]): NamedVoters | string {
    const { self, epoch } = this.#ports;
    const stores = new Map<NodeId, StoreId>();
    for (const home of homes) {
      const store = this.#storeOf(home);
      if (store === undefined) return `${self} has not heard of the store of ${home} yet`;
      stores.set(home, store);
    }
    const named = { stores, voters: votersName(epoch, stores) };
    this.#named.set(homes.join('\0'), named);
    return named;
  }

  #storeOf(node: NodeId): StoreId | undefined {
    const { self, memory, ownStore, votesWithout } = this.#ports;
    if (node === self) return ownStore().storeId;
    return votesWithout?.has(node) === true ? memory.writtenStore(node) : memory.knownStore(node);
  }
}

function isNewcomer(voteless: Voteless, n: number): boolean {
  return n === 1 ? voteless !== 'none' : voteless === 'all' && n !== 2;
}

function noVoter(reason: string): Standing {
  return { type: 'no-voter', reason };
}
