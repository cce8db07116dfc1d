/** What is known of the connection to a peer. */
import type { Incarnation, StoreId } from '../../core/ids.ts';

export interface PeerStatus {
  /** `suspected`: it is connected, but owes a reply and is silent. */
  readonly state: 'up' | 'suspected' | 'connecting' | 'down';
  /** Wall clock, milliseconds since 1970: since when it is up, or is not. */
  readonly sinceMs: number;
  readonly storeId: StoreId | undefined;
  readonly incarnation: Incarnation | undefined;
  /** Why it is not up, as far as known. */
  readonly reason: string | undefined;
}

/**
 * `connecting` lasts from a dial to its handshake: requests wait for its end. `waiting` is the pause before the next dial:
 * requests fail at once.
 */
export type Phase = 'connecting' | 'up' | 'waiting' | 'closed';
