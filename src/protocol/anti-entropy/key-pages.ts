/**
 * Pages of the keys of a tree, as they lie on the disk: what a node tells its peers, and what it compares with theirs. A
 * page of either side is bounded, and what is compared ends where the shorter one ends.
 */
import { isEntryName } from '../../codec/entry-name-fields.ts';
import { placementHash } from '../../codec/hash.ts';
import { entryOfRecordKey, keyAfter, partitionRange, recordKey } from '../../codec/key-layout.ts';
import { FormatError } from '../../codec/packer.ts';
import { checkRecord, largestNOf, recordDigest } from '../../codec/record-codec.ts';
import type { EntryName, NodeId, Partition } from '../../core/ids.ts';
import { MAX_TREE_PAGE_BYTES } from '../../core/limits.ts';
import { differingKeys, type KeyDifference } from '../../core/merkle/difference.ts';
import { leafOf } from '../../core/merkle/digest-tree.ts';
import type { PartitionKeysRequest, TreeKey, TreeKeysPage, TreeKeysRequest } from '../../core/message.ts';
import { partitionOf, type Ring } from '../../core/ring/ring.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Storage } from '../../ports/storage.ts';
import { askPeer, ExchangeBroken, type QuestionPorts } from '../background/peer-question.ts';

export interface KeyPagePorts {
  readonly storage: Storage;
  readonly ring: Ring;
  readonly sizes: Pick<WorkSizes, 'treePageKeys' | 'treePageRecords'>;
}

/** The page that a peer asks for. Rejects if the store cannot be read. */
export async function readKeysPage(
  ports: KeyPagePorts,
  { tree, leaves, after }: TreeKeysRequest,
): Promise<TreeKeysPage> {
  const wanted = new Set(leaves);
  const isWanted = (entry: EntryName): boolean =>
    wanted.has(leafOf(placementHash(entry), ports.ring.partitions));
  return readPage(ports, tree.partition, after, isWanted, (n) => n === tree.n);
}

/** The page of a whole partition that a peer asks for. Rejects if the store cannot be read. */
export async function readPartitionPage(
  ports: KeyPagePorts,
  { partition, leastN, after }: PartitionKeysRequest,
): Promise<TreeKeysPage> {
  return readPage(
    ports,
    partition,
    after,
    () => true,
    (n) => n >= leastN,
  );
}

async function readPage(
  { storage, sizes }: KeyPagePorts,
  partition: Partition,
  after: Uint8Array | undefined,
  isWanted: (entry: EntryName) => boolean,
  isWantedN: (n: number) => boolean,
): Promise<TreeKeysPage> {
  const { from, to } = partitionRange(partition);
  // No peer sees what lies before the partition.
  const begin = after === undefined || Buffer.compare(after, from) < 0 ? from : keyAfter(after);
  const keys: TreeKey[] = [];
  let records = 0;
  let bytes = 0;
  for await (const [storageKey, encoded] of storage.range({
    from: begin,
    to,
    limit: sizes.treePageRecords,
  })) {
    const entry = entryOfRecordKey(storageKey);
    // No peer has a key of a name that the disk has garbled, nor would it read the page.
    if (isWanted(entry) && isEntryName(entry)) {
      const digest = readableDigest(entry, encoded);
      // Of what cannot be read, N is not known either: it is told to whoever asks.
      if (digest === undefined || isWantedN(largestNOf(encoded))) keys.push({ ...entry, digest });
    }
    records += 1;
    bytes += encoded.length;
    const isFull =
      keys.length === sizes.treePageKeys || records === sizes.treePageRecords || bytes > MAX_TREE_PAGE_BYTES;
    if (isFull) return { keys, next: storageKey };
  }
  return { keys, next: undefined };
}

export interface ComparedPage extends KeyDifference {
  /** Storage key up to which both sides were compared; undefined if that was the end. */
  readonly next: Uint8Array | undefined;
}

/** Rejects as askPeer does, and with ExchangeBroken if the page is not what was asked for, or the own store cannot be read. */
export async function comparePages(
  ports: KeyPagePorts & QuestionPorts,
  peer: NodeId,
  request: TreeKeysRequest,
): Promise<ComparedPage> {
  const { page: theirs } = await askPeer(ports, peer, request);
  if (!isPageOf(request, ports.ring, theirs)) throw new ExchangeBroken('its page is not what was asked for');
  const own = await readKeysPage(ports, request).catch((error: unknown) => {
    throw new ExchangeBroken(`the own keys cannot be read: ${String(error)}`);
  });
  const next = earlier(theirs.next, own.next);
  const isOnBoth = (entry: EntryName): boolean =>
    next === undefined || Buffer.compare(recordKey(request.tree.partition, entry), next) <= 0;
  return { ...differingKeys(theirs.keys.filter(isOnBoth), own.keys.filter(isOnBoth)), next };
}

/** Whether all keys are of the leaves that were asked for, and the next page comes after this one. */
function isPageOf(
  { tree, leaves, after }: TreeKeysRequest,
  ring: Ring,
  { keys, next }: TreeKeysPage,
): boolean {
  const wanted = new Set(leaves);
  const isOfTree = (entry: EntryName): boolean => {
    const hash = placementHash(entry);
    return partitionOf(ring, hash) === tree.partition && wanted.has(leafOf(hash, ring.partitions));
  };
  const { from, to } = partitionRange(tree.partition);
  const isAhead =
    next === undefined || (Buffer.compare(next, after ?? from) > 0 && Buffer.compare(next, to) < 0);
  return isAhead && keys.every(isOfTree);
}

/** Undefined is the end, after every key. */
function earlier(left: Uint8Array | undefined, right: Uint8Array | undefined): Uint8Array | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return Buffer.compare(left, right) <= 0 ? left : right;
}

/** A copy: the record itself is not kept in memory. The trees do not count what cannot be read either. */
function readableDigest(entry: EntryName, encoded: Uint8Array): Uint8Array | undefined {
  try {
    checkRecord(entry, encoded);
    return recordDigest(encoded).slice();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
