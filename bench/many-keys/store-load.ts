/**
 * Fills a node's data directory with records, without the node: by its own code, in the process that has its LevelDB, so that
 * nothing waits for HTTP, for peers or for a sync. Each record is what a coordinator makes of a client's write of a new key
 * (decideWrite), in the format and at the place of a stored record, and goes out by group commit with its sequence number. Left
 * out is only what leaves no trace: the key's serial section, and the look whether the key is there.
 *
 * Keys come in an order that the disk does not know, as from clients, so LevelDB has to sort them into its levels as it
 * sorts everything. Keys in the order of the disk would be there in a third of the time, as other files than a node has.
 */
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { openLevelStorage } from '../../src/adapters/level-storage.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { systemRandom } from '../../src/adapters/system-random.ts';
import { describePlacement } from '../../src/codec/hash.ts';
import { encodeRecord } from '../../src/codec/record-codec.ts';
import { decideWrite, type ProposedWrite } from '../../src/core/causality/decide-write.ts';
import type { ClusterConfig } from '../../src/core/cluster-config.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import { buildRing } from '../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES } from '../../src/core/work-sizes.ts';
import type { Storage, StorageWrite } from '../../src/ports/storage.ts';
import { GroupCommit } from '../../src/protocol/replica/group-commit.ts';
import type { IncarnationSource } from '../../src/protocol/replica/incarnation.ts';
import { RecordStore } from '../../src/protocol/replica/record-store.ts';
import { openStore } from '../../src/protocol/store-opening.ts';
import { BUCKET, randomLetters, storedKey } from '../load/workload.ts';

/** LevelDB goes on sorting after the last write: it is at rest when its files stay the same for so long, milliseconds. */
const REST_MS = 3_000;
const REST_POLL_MS = 500;
/** Different values; neighbours on the disk are hardly ever equal. */
const VALUE_COUNT = 1_024;

/** Which store to fill with what. */
export interface StoreLoad {
  readonly config: ClusterConfig;
  /** Whose store it is; it coordinates all the writes. */
  readonly nodeId: NodeId;
  readonly directory: string;
  readonly writeBufferBytes: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Told of the number of keys that are there, now and then. */
  readonly onProgress: (keys: number) => void;
}

/** Resolves when all keys are there and LevelDB is at rest. */
export async function loadStore(load: StoreLoad): Promise<void> {
  const { directory, writeBufferBytes } = load;
  const storage = await openLevelStorage({ directory, writeBufferBytes });
  try {
    await writeAll(load, storage);
    await untilAtRest(directory);
  } finally {
    await storage.close();
  }
}

async function writeAll({ keys, onProgress, ...load }: StoreLoad, storage: Storage): Promise<void> {
  const { config, nodeId } = load;
  const owner = { cluster: config.cluster, nodeId, placement: describePlacement(config) };
  const members = config.nodes.map(({ id }) => id);
  const { sequence, incarnations } = await openStore(storage, owner, members, systemRandom);
  const commit = new GroupCommit({
    storage,
    sequence,
    clock: systemClock,
    tracer: { trace: () => {} },
    sync: false,
    sizes: DEFAULT_WORK_SIZES,
    onFatal: () => {},
  });
  const makeWrite = recordWrites(load, new RecordStore(buildRing(config), storage, commit), incarnations);
  const { batchEntries } = DEFAULT_WORK_SIZES;
  let written = Promise.resolve();
  for (let first = 0; first < keys; first += batchEntries) {
    const count = Math.min(batchEntries, keys - first);
    const writes = Array.from({ length: count }, (_, index) => makeWrite(first + index));
    // While one batch is written, the next one is made.
    await written;
    written = commit.write(...writes);
    onProgress(first);
  }
  await written;
  await commit.close();
}

/** Makes what is stored for the key with a number. */
function recordWrites(
  { config, valueBytes }: Pick<StoreLoad, 'config' | 'valueBytes'>,
  records: RecordStore,
  incarnations: IncarnationSource,
): (number: number) => StorageWrite {
  const values = randomLetters(VALUE_COUNT * valueBytes);
  const minter = { incarnation: incarnations.current, openEpoch: () => incarnations.openEpoch() };
  return (number) => {
    const begin = (number % VALUE_COUNT) * valueBytes;
    const write: ProposedWrite = {
      content: {
        type: 'value',
        contentType: 'application/octet-stream',
        bytes: values.subarray(begin, begin + valueBytes),
      },
      seen: undefined,
      writtenAtMs: Date.now(),
      identity: undefined,
      n: config.nodes.length,
    };
    const decision = decideWrite(undefined, write, minter, DEFAULT_LIMITS);
    if (decision.type !== 'minted') throw new Error(`a new key was not written: ${decision.type}`);
    const entry = { bucket: BUCKET, key: storedKey(number, valueBytes) };
    return records.recordWrite(entry, encodeRecord(entry, decision.record));
  };
}

async function untilAtRest(directory: string): Promise<void> {
  let files = '';
  for (let restedMs = 0; restedMs < REST_MS; restedMs += REST_POLL_MS) {
    await delay(REST_POLL_MS);
    const now = (await readdir(directory)).toSorted().join();
    if (now !== files) restedMs = 0;
    files = now;
  }
}
