/** Tells the home replicas of a key what a round of it has chosen. */
import type { EncodedRecord } from '../../codec/encoded-record.ts';
import type { EntryName, NodeId, StoreId } from '../../core/ids.ts';
import type { Commit, Voters } from '../../core/paxos/messages.ts';
import type { PaxosRequest } from '../../core/paxos/peer-messages.ts';
import { majority } from '../../core/quorum/quorum-tally.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { Acceptors, OnPaxosReply } from './acceptors.ts';

export interface CommitPorts {
  readonly acceptors: Acceptors;
  readonly clock: Clock;
  readonly tracer: Tracer;
}

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

/** Told once: what does not get there is found and finished later. Those that have accepted it need not be sent it again. */
export function commitRound(
  ports: CommitPorts,
  { bucket, key }: EntryName,
  homes: readonly NodeId[],
  { ballot, object, accepted, voters, newcomers }: ChosenRound,
): void {
  const commit = { type: 'paxos-commit', bucket, key, ballot } as const;
  const onReply = whenCommitted(ports, majority(homes.length));
  for (const node of homes) {
    const store = newcomers.get(node);
    let request: PaxosRequest;
    if (store !== undefined)
      request = { ...commit, type: 'paxos-admit', object: object?.bytes, voters, store };
    else if (accepted.has(node)) request = { ...commit, object: 'accepted' };
    else request = { ...commit, object: object?.bytes, base: object?.base };
    ports.acceptors.ask(node, request, onReply);
  }
}

/** Traces the moment when a majority has stored what was chosen: who asks a majority then sees that, and need not finish it. */
function whenCommitted({ clock, tracer }: CommitPorts, majoritySize: number): OnPaxosReply {
  const beganMs = clock.nowMs();
  let stored = 0;
  return (answer) => {
    if (answer?.reply.type !== 'committed') return;
    stored += 1;
    if (stored === majoritySize) tracer.trace({ type: 'round-committed', ms: clock.nowMs() - beganMs });
  };
}
