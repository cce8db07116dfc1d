/**
 * Brings two replicas' records of one key together. They are joined, never overwritten: the own replica takes the peer's
 * record, and the peer takes the join. Neither takes a record that it is no home replica for.
 */
import { largestNOf, recordDigest, sameBytes } from '../../codec/record-codec.ts';
import type { EntryName, NodeId, Partition } from '../../core/ids.ts';
import type { ReadReply } from '../../core/message.ts';
import { homeReplicas, type Ring } from '../../core/ring/ring.ts';
import type { InFlight } from '../in-flight.ts';
import type { LocalReplica } from '../replica/local-replica.ts';
import { askPeer, ExchangeBroken, type QuestionPorts } from '../background/peer-question.ts';

export interface ReconcilePorts extends QuestionPorts {
  readonly self: NodeId;
  readonly ring: Ring;
  readonly local: LocalReplica;
  readonly inFlight: InFlight;
}

interface Reconciled {
  readonly peer: NodeId;
  readonly partition: Partition;
  readonly entry: EntryName;
}

/** Resolves to how many of the two took something. Rejects as askPeer does, and with ExchangeBroken if the own store fails. */
export function reconcile(ports: ReconcilePorts, differing: Reconciled): Promise<number> {
  return ports.inFlight.track(() => bringTogether(ports, differing));
}

async function bringTogether(ports: ReconcilePorts, { peer, partition, entry }: Reconciled): Promise<number> {
  const { local, self } = ports;
  const isHome = (node: NodeId, record: Uint8Array): boolean =>
    homeReplicas(ports.ring, partition, largestNOf(record)).includes(node);

  const own = await local.held(entry);
  // A read error is never "not found". What is damaged is replaced, if it is, where the record is stored.
  const known = digestOf(own);
  const { reply: theirs } = await askPeer(ports, peer, { type: 'read', ...entry, known });
  if (theirs.type === 'same') return 0;
  const record = recordIn(theirs);
  if (record !== undefined) {
    if (!isHome(self, record) || !(await takeOwn(local, entry, record))) return 0;
  }

  const joined = await local.held(entry);
  const digest = digestOf(joined);
  if (joined.type !== 'found' || digest === undefined) return 0;
  const taken = known !== undefined && sameBytes(known, digest) ? 0 : 1;
  const theirDigest = digestOf(theirs);
  const isEqual = theirDigest !== undefined && sameBytes(theirDigest, digest);
  if (isEqual || !isHome(peer, joined.record)) return taken;
  const { reply } = await askPeer(ports, peer, { type: 'store', ...entry, record: joined.record });
  return reply.type === 'stored' ? taken + 1 : taken;
}

/** Joins a peer's record into the own one; false if that is refused. */
async function takeOwn(local: LocalReplica, entry: EntryName, record: Uint8Array): Promise<boolean> {
  try {
    const { type } = await local.store({ type: 'store', ...entry, record });
    return type === 'stored';
  } catch (error) {
    throw new ExchangeBroken(`the own store fails: ${String(error)}`);
  }
}

function digestOf(reply: ReadReply): Uint8Array | undefined {
  const record = recordIn(reply);
  return record === undefined ? undefined : recordDigest(record);
}

/** What a replica holds counts here, whether or not there should be more. */
function recordIn(reply: ReadReply): Uint8Array | undefined {
  return reply.type === 'found' || reply.type === 'recovering' ? reply.record : undefined;
}
