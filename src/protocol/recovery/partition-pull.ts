/**
 * Gets back from one peer what it holds of a partition, whole: key after key, whatever the digest trees say. Trees would do
 * for a partition that nobody writes to; while records move from one tree to another, only going through all keys makes sure
 * that each of them was met. What is written after the beginning need not be met: it has its quorum without this node, or with
 * what this node holds by now.
 */
import { placementHash } from '../../codec/hash.ts';
import { partitionRange } from '../../codec/key-layout.ts';
import { largestNOf, recordDigest, sameBytes } from '../../codec/record-codec.ts';
import type { NodeId, Partition } from '../../core/ids.ts';
import { EXCHANGE_CONCURRENCY } from '../../core/limits.ts';
import { placeOf } from '../../core/membership/partition-debts.ts';
import type { ReadReply, TreeKey, TreeKeysPage } from '../../core/message.ts';
import { partitionOf, type Ring } from '../../core/ring/ring.ts';
import { askPeer, ExchangeBroken, type QuestionPorts } from '../background/peer-question.ts';
import type { InFlight } from '../in-flight.ts';
import type { LocalReplica } from '../replica/local-replica.ts';

export interface PullPorts extends QuestionPorts {
  readonly self: NodeId;
  readonly ring: Ring;
  readonly local: LocalReplica;
  readonly inFlight: InFlight;
  /** Told of the number of copies of each record that is met. */
  readonly onMet: (largestN: number) => void;
}

/**
 * Resolves to whether all that the peer holds is held here, too; false if something of it could not be read or taken.
 * Rejects with ExchangeBroken if the peer cannot be asked, or answers something else.
 */
export async function pullPartition(ports: PullPorts, peer: NodeId, partition: Partition): Promise<boolean> {
  const leastN = placeOf(ports.ring, partition, ports.self) + 1;
  let isWhole = true;
  for (let after: Uint8Array | undefined; ; ) {
    const request = { type: 'partition-keys', partition, leastN, after } as const;
    const { page } = await askPeer(ports, peer, request);
    if (!isPageOf(ports.ring, partition, after, page))
      throw new ExchangeBroken('its page is not what was asked for');
    for (let start = 0; start < page.keys.length; start += EXCHANGE_CONCURRENCY) {
      const some = page.keys.slice(start, start + EXCHANGE_CONCURRENCY);
      // All of them come to their end, so that nothing of a broken one goes on behind its back.
      const results = await Promise.allSettled(
        some.map((key) => ports.inFlight.track(() => pullKey(ports, peer, key))),
      );
      for (const result of results) {
        if (result.status === 'rejected') throw result.reason;
        if (!result.value) isWhole = false;
      }
      await ports.pace.pause();
    }
    if (page.next === undefined) return isWhole;
    after = page.next;
  }
}

async function pullKey(ports: PullPorts, peer: NodeId, { bucket, key, digest }: TreeKey): Promise<boolean> {
  const entry = { bucket, key };
  const own = await ports.local.held(entry);
  const known = own.type === 'found' ? recordDigest(own.record) : undefined;
  if (own.type === 'found') ports.onMet(largestNOf(own.record));
  if (known !== undefined && digest !== undefined && sameBytes(known, digest)) return true;
  const { reply } = await askPeer(ports, peer, { type: 'read', ...entry, known });
  // What it cannot read may be what only these two had: nobody knows until it can, or is healed by others.
  if (reply.type === 'unreadable') return false;
  const record = recordIn(reply);
  if (record === undefined) return true;
  const stored = await ports.local.store({ type: 'store', ...entry, record }).catch((error: unknown) => {
    throw new ExchangeBroken(`the own store fails: ${String(error)}`);
  });
  ports.onMet(largestNOf(record));
  return stored.type === 'stored';
}

function recordIn(reply: ReadReply): Uint8Array | undefined {
  return reply.type === 'found' || reply.type === 'recovering' ? reply.record : undefined;
}

/** Whether all keys are of the partition, and the next page comes after this one. */
function isPageOf(
  ring: Ring,
  partition: Partition,
  after: Uint8Array | undefined,
  { keys, next }: TreeKeysPage,
): boolean {
  const { from, to } = partitionRange(partition);
  const isAhead =
    next === undefined || (Buffer.compare(next, after ?? from) > 0 && Buffer.compare(next, to) < 0);
  return isAhead && keys.every((entry) => partitionOf(ring, placementHash(entry)) === partition);
}
