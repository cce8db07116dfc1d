/** What is known of what this node has lost, as those ask for it who answer with what it holds. */
import { placementHash } from '../../codec/hash.ts';
import { bucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { EntryName, Partition } from '../../core/ids.ts';
import { majority } from '../../core/quorum/quorum-tally.ts';
import { partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { Losses } from '../replica/local-replica.ts';
import type { OwnStore } from './own-store.ts';
import type { Recovery } from './recovery.ts';

export interface LossPorts {
  readonly config: ClusterConfig;
  readonly ring: Ring;
  /** They are made later than what asks for them. */
  readonly recovery: () => Recovery;
  readonly ownStore: () => OwnStore;
}

export function ownLosses({ config, ring, recovery, ownStore }: LossPorts): Losses {
  const placeOf = (entry: EntryName): Partition => partitionOf(ring, placementHash(entry));
  return {
    mayLack: (entry) => recovery().open > 0 && recovery().isOpen(placeOf(entry)),
    canRecover: (entry) => recovery().canClose(placeOf(entry)),
    damaged: (entry) => recovery().openOne(placeOf(entry)),
    hasOtherMajority: ({ bucket }) => {
      const { n } = bucketConfig(config, bucket);
      return n - 1 >= majority(n);
    },
    losePromises: () => ownStore().losePromises(),
  };
}
