/**
 * As whom this node votes on a key. It votes if it is one of the home replicas of the bucket's N, lacks nothing, and knows the
 * stores of all of them; that knowledge is what the name of the voters stands for (core/paxos/messages.ts).
 *
 * A peer's store counts as known when it is written down, and when that peer has said hello to this process. The second is for
 * a store that was rolled back: what it has promised and lost, only those know whom it was told. So a process that
 * was started again does not vote before every other home replica has had its say on the store. The price: as long as one
 * home replica is away, another one that is started again has no vote in its keys.
 */
import { votersName } from '../../codec/hash.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { ConfigurationEpoch, EntryName, NodeId, StoreId } from '../../core/ids.ts';
import type { StoreMemory } from '../peers/store-memory.ts';
import type { OwnStore } from '../recovery/own-store.ts';
import type { Standing } from '../replica/acceptor.ts';
import type { RecordStore } from '../replica/record-store.ts';

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
}

export class Standings {
  readonly #ports: StandingPorts;

  constructor(ports: StandingPorts) {
    this.#ports = ports;
  }

  of(entry: EntryName): Standing {
    const { self, config, epoch, records, mayLack } = this.#ports;
    const homes = records.homesOf(entry, bucketConfig(config, entry.bucket).n);
    if (!homes.includes(self)) return noVoter(`${self} is no home replica of this key`);
    if (mayLack(entry)) return noVoter(`${self} has lost something, and has not got it back yet`);
    const stores = new Map<NodeId, StoreId>();
    for (const home of homes) {
      const store = this.#storeOf(home);
      if (store === undefined) return noVoter(`${self} has not heard of the store of ${home} yet`);
      stores.set(home, store);
    }
    const own = this.#ports.ownStore();
    const voters = votersName(epoch, stores);
    return { type: 'voter', voters, store: own.storeId, isNewcomer: own.isNewcomer };
  }

  #storeOf(node: NodeId): StoreId | undefined {
    const { self, memory, ownStore } = this.#ports;
    return node === self ? ownStore().storeId : memory.knownStore(node);
  }
}

function noVoter(reason: string): Standing {
  return { type: 'no-voter', reason };
}
