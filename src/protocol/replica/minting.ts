/** What becomes of a client's write on the replica that makes it an event of its own. */
import type { WriteDecision } from '../../core/causality/decide-write.ts';
import type { Dot } from '../../core/causality/dot.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { NodeId } from '../../core/ids.ts';

export interface MintedWrite {
  readonly dot: Dot;
  readonly before: KeyRecord | undefined;
  readonly record: KeyRecord;
  readonly encoded: Uint8Array;
}

export type MintOutcome =
  | ({ readonly type: 'minted' } & MintedWrite)
  | Exclude<WriteDecision, { type: 'minted' | 'local-store-lost-something' }>
  /** Nothing was done, because it cannot be known what this replica holds: another replica has to coordinate. */
  | { readonly type: 'unreadable'; readonly reason: string }
  /** Nothing was done, because this node may not keep the record for a home replica: another node has to coordinate. */
  | { readonly type: 'hint-refused'; readonly reason: string }
  /** The write was given up before its turn came. Nothing was done. */
  | { readonly type: 'given-up' };

export interface MintHandlers {
  /** Asked when the write's turn has come: whether nobody waits for it any more. */
  readonly isGivenUp: () => boolean;
  /** Told before the local sync. */
  readonly onMinted: (minted: MintedWrite) => void;
  /** The home replica that this node, being none, stands in for. */
  readonly hintFor?: NodeId | undefined;
}
