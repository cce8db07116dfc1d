/** One member of the cluster, as one node sees it. */
import type { Incarnation, NodeId, StoreId } from '../core/ids.ts';

export interface MemberStatus {
  readonly node: NodeId;
  readonly state: 'self' | 'up' | 'down';
  /** Wall clock, milliseconds since 1970. */
  readonly sinceMs: number;
  readonly storeId: StoreId | undefined;
  readonly incarnation: Incarnation | undefined;
  readonly reason: string | undefined;
}
