/** Who this node is to its peers. What changes while it runs is looked up each time it presents itself. */
import type { LocalIdentity } from './peers/hello.ts';
import type { OwnStore } from './recovery/own-store.ts';
import type { GroupCommit } from './replica/group-commit.ts';
import type { IncarnationSource } from './replica/incarnation.ts';
import type { StorageNodeOptions } from './node-interface.ts';

export interface IdentitySources {
  readonly commit: GroupCommit;
  readonly incarnations: IncarnationSource;
  /** It is made later than what presents it. */
  readonly ownStore: () => OwnStore;
}

export function localIdentity(
  { config, epoch, nodeId, peerSecret }: StorageNodeOptions,
  { commit, incarnations, ownStore }: IdentitySources,
): LocalIdentity {
  return {
    cluster: config.cluster,
    nodeId,
    epoch,
    opening: incarnations.opening,
    members: new Set(config.nodes.map(({ id }) => id)),
    secret: peerSecret ?? '',
    get storeId() {
      return ownStore().storeId;
    },
    get incarnation() {
      return incarnations.current;
    },
    get openedAt() {
      return ownStore().openedAt;
    },
    get earlier() {
      return ownStore().earlier;
    },
    get sequence() {
      return commit.sequence;
    },
    get lost() {
      return ownStore().lost;
    },
  };
}
