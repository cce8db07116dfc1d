/** What anti-entropy sends, as fields: names, roots, leaves and keys of digest trees. */
import type { NodeId, Partition } from '../core/ids.ts';
import { MAX_NODES, MAX_PARTITIONS, MAX_TREE_KEYS } from '../core/limits.ts';
import { MAX_TREE_LEAVES, TREE_DIGEST_BYTES } from '../core/merkle/digest-tree.ts';
import type {
  FloorsRequest,
  PartitionFloor,
  PartitionKeysRequest,
  TreeKey,
  TreeKeysPage,
  TreeKeysRequest,
  TreeName,
  TreeRoot,
  TreeRoots,
  VotedKeysRequest,
} from '../core/message.ts';
import { readBallot, readStoreId } from './ballot-fields.ts';
import { readEntryName } from './entry-name-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';

export function treeNameToFields({ partition, n }: TreeName): readonly unknown[] {
  return [partition, n];
}

/** Throws FormatError, as all that read here do. */
export function readTreeName(fields: FieldReader): TreeName {
  return { partition: readPartition(fields), n: fields.integer(1, MAX_NODES) };
}

export function treeKeysRequestToFields({ tree, leaves, after }: TreeKeysRequest): readonly unknown[] {
  return [...treeNameToFields(tree), leaves, after ?? null];
}

export function readTreeKeysRequest(fields: FieldReader): TreeKeysRequest {
  return {
    type: 'tree-keys',
    tree: readTreeName(fields),
    leaves: fields
      .fields()
      .atMost(MAX_TREE_LEAVES)
      .each((reader) => reader.integer(0, MAX_TREE_LEAVES - 1)),
    after: fields.optionalBytes(),
  };
}

export function partitionKeysRequestToFields({
  partition,
  leastN,
  after,
}: PartitionKeysRequest): readonly unknown[] {
  return [partition, leastN, after ?? null];
}

export function readPartitionKeysRequest(fields: FieldReader): PartitionKeysRequest {
  return {
    type: 'partition-keys',
    partition: readPartition(fields),
    leastN: fields.integer(1, MAX_NODES),
    after: fields.optionalBytes(),
  };
}

export function readFloorsRequest(fields: FieldReader): FloorsRequest {
  return { type: 'floors', node: fields.string(256) as NodeId, store: readStoreId(fields) };
}

/** Flat: partition, floor, partition, ... */
export function floorsToFields(floors: readonly PartitionFloor[]): readonly unknown[] {
  return floors.flatMap(({ partition, floor }) => [partition, floor]);
}

export function readFloors(fields: FieldReader): readonly PartitionFloor[] {
  return fields
    .atMost(2 * MAX_PARTITIONS)
    .each((reader) => ({ partition: readPartition(reader), floor: readBallot(reader) }));
}

export function votedKeysRequestToFields({ node, store, after }: VotedKeysRequest): readonly unknown[] {
  return [node, store, after ?? null];
}

export function readVotedKeysRequest(fields: FieldReader): VotedKeysRequest {
  const node = fields.string(256) as NodeId;
  return { type: 'voted-keys', node, store: readStoreId(fields), after: fields.optionalBytes() };
}

/** Flat: what is not built, what is in doubt, then partition, n, root, partition, ... */
export function treeRootsToFields({ roots, unbuilt, doubtful }: TreeRoots): readonly unknown[] {
  return [unbuilt, doubtful, ...roots.flatMap(({ partition, n, root }) => [partition, n, root])];
}

export function readTreeRoots(fields: FieldReader): TreeRoots {
  const unbuilt = readPartitions(fields);
  const doubtful = readPartitions(fields);
  return { unbuilt, doubtful, roots: fields.each(readTreeRoot) };
}

export function readTreeLeaves(fields: FieldReader): Uint8Array {
  const leaves = fields.bytes();
  if (leaves.length > MAX_TREE_LEAVES * TREE_DIGEST_BYTES || leaves.length % TREE_DIGEST_BYTES !== 0) {
    throw new FormatError(`${leaves.length} bytes are not the leaves of a tree`);
  }
  return leaves;
}

/** What comes next, then flat: bucket, key, digest, bucket, ... */
export function treeKeysPageToFields({ keys, next }: TreeKeysPage): readonly unknown[] {
  return [next ?? null, keys.flatMap(({ bucket, key, digest }) => [bucket, key, digest ?? null])];
}

export function readTreeKeysPage(fields: FieldReader): TreeKeysPage {
  const next = fields.optionalBytes();
  return {
    next,
    keys: fields
      .fields()
      .atMost(3 * MAX_TREE_KEYS)
      .each(readTreeKey),
  };
}

function readTreeRoot(fields: FieldReader): TreeRoot {
  return { ...readTreeName(fields), root: checkDigest(fields.bytes()) };
}

function readTreeKey(fields: FieldReader): TreeKey {
  const entry = readEntryName(fields);
  const digest = fields.optionalBytes();
  return { ...entry, digest: digest === undefined ? undefined : checkDigest(digest) };
}

function readPartitions(fields: FieldReader): readonly Partition[] {
  return fields.fields().atMost(MAX_PARTITIONS).each(readPartition);
}

function readPartition(fields: FieldReader): Partition {
  return fields.integer(0, MAX_PARTITIONS - 1) as Partition;
}

function checkDigest(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== TREE_DIGEST_BYTES) throw new FormatError(`a digest of ${bytes.length} bytes`);
  return bytes;
}
