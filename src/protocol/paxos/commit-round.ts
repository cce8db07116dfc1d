/** Tells the home replicas of a key what a round of it has chosen. */
import type { EncodedRecord } from '../../codec/encoded-record.ts';
import type { EntryName, NodeId, StoreId } from '../../core/ids.ts';
import type { Commit, Voters } from '../../core/paxos/messages.ts';
import type { Acceptors } from './acceptors.ts';

/** What a round has chosen, by which voters, and which of the home replicas were none yet: they are from now on. */
export interface ChosenRound extends Pick<Commit, 'ballot'> {
  /** What was chosen; undefined if it is nothing. */
  readonly object: EncodedRecord | undefined;
  /** Those that have said that they accepted it. */
  readonly accepted: ReadonlySet<NodeId>;
  readonly voters: Voters;
  /** With the stores by which `voters` names them. */
  readonly newcomers: ReadonlyMap<NodeId, StoreId>;
}

/**
 * Told once, and nobody says whether it has arrived: what does not get there is found and finished later. Those that have accepted it
 * need not be sent it again.
 */
export function commitRound(
  acceptors: Acceptors,
  { bucket, key }: EntryName,
  homes: readonly NodeId[],
  { ballot, object, accepted, voters, newcomers }: ChosenRound,
): void {
  const commit = { type: 'paxos-commit', bucket, key, ballot } as const;
  for (const node of homes) {
    const store = newcomers.get(node);
    if (store !== undefined)
      acceptors.tell(node, { ...commit, type: 'paxos-admit', object: object?.bytes, voters, store });
    else if (accepted.has(node)) acceptors.tell(node, { ...commit, object: 'accepted' });
    else acceptors.tell(node, { ...commit, object: object?.bytes, base: object?.base });
  }
}
