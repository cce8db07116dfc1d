/** This node's own copy of everything, with all that writes to it: built as one, for its parts are of no use alone. */
import type { ClusterConfig } from '../../core/cluster-config.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Ring } from '../../core/ring/ring.ts';
import type { Sized } from '../../core/work-sizes.ts';
import { HintedRecords } from '../handoff/hinted-records.ts';
import { HintStore, type HintStorePorts } from '../handoff/hint-store.ts';
import { AcceptorStore } from './acceptor-store.ts';
import { Floors } from './floors.ts';
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts';
import { LocalReplica, type LocalReplicaOptions } from './local-replica.ts';
import { RecordStore } from './record-store.ts';

export interface OwnCopyOptions
  extends Omit<GroupCommitOptions, 'sizes'>,
    Sized,
    Pick<LocalReplicaOptions, 'incarnations' | 'onChanged' | 'losses' | 'inFlight'>,
    Pick<HintStorePorts, 'isLowOnSpace'> {
  readonly nodeId: NodeId;
  readonly config: ClusterConfig;
  readonly ring: Ring;
  readonly onHintStored: HintStorePorts['onStored'];
}

export interface OwnCopy {
  readonly commit: GroupCommit;
  readonly records: RecordStore;
  readonly acceptors: AcceptorStore;
  readonly floors: Floors;
  readonly hints: HintStore;
  readonly local: LocalReplica;
  readonly hinted: HintedRecords;
}

export function buildOwnCopy(options: OwnCopyOptions): OwnCopy {
  const { nodeId: self, config, ring, storage, onHintStored } = options;
  const { limits } = config;
  const commit = new GroupCommit(options);
  const records = new RecordStore(ring, storage, commit);
  const acceptors = new AcceptorStore(records, options);
  const hints = new HintStore({ ...options, limits, onStored: onHintStored });
  const parts = { ...options, self, limits, records, acceptors, hints };
  const local = new LocalReplica(parts);
  const floors = new Floors(storage);
  return { commit, records, acceptors, floors, hints, local, hinted: new HintedRecords({ ...parts, local }) };
}
