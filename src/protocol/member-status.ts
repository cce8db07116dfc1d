/** The members of the cluster as this node sees them, itself included. */
import type { NodeId } from '../core/ids.ts';
import type { HintStore } from './handoff/hint-store.ts';
import type { MemberStatus, StorageNodeOptions } from './node-interface.ts';
import type { Peers } from './peers/peers.ts';
import type { OwnStore } from './recovery/own-store.ts';
import type { IncarnationSource } from './replica/incarnation.ts';

export interface MemberStatusPorts {
  readonly config: StorageNodeOptions['config'];
  readonly self: NodeId;
  readonly startedMs: number;
  readonly peers: Peers;
  readonly hints: HintStore;
  readonly ownStore: OwnStore;
  readonly incarnations: IncarnationSource;
}

export function memberStatuses(ports: MemberStatusPorts): readonly MemberStatus[] {
  const { pending } = ports.hints;
  return ports.config.nodes.map(({ id }) => {
    const status = ports.peers.status(id);
    if (status === undefined) return ownStatus(ports);
    return { node: id, ...status, state: status.state === 'up' ? 'up' : 'down', hints: pending.get(id) };
  });
}

function ownStatus({ self, startedMs, ownStore, incarnations }: MemberStatusPorts): MemberStatus {
  return {
    node: self,
    state: 'self',
    sinceMs: startedMs,
    storeId: ownStore.storeId,
    incarnation: incarnations.current,
    reason: undefined,
    hints: undefined,
  };
}
