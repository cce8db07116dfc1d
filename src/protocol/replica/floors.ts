/**
 * The ballot floors of this node's partitions: keys of a partition may have been collected up to its floor, and nothing at or below
 * it is taken any more, of whichever key. A floor is what is left of collected keys, so it never falls: it is written in one batch
 * with the deletion that it stands for, and counts from the moment at which that is decided.
 */
import { decodeFloor, encodeFloor } from '../../codec/floor-codec.ts';
import { ALL_FLOORS, floorKey, partitionOfFloorKey } from '../../codec/key-layout.ts';
import { FormatError } from '../../codec/packer.ts';
import type { Partition } from '../../core/ids.ts';
import type { PartitionFloor } from '../../core/message.ts';
import { type Ballot, isAbove } from '../../core/paxos/ballot.ts';
import type { Storage, StorageWrite } from '../../ports/storage.ts';

export class Floors {
  readonly #storage: Storage;
  readonly #floors = new Map<Partition, Ballot>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Reads all of them, once, before anything is served. `onDamaged`: one cannot be read, and may have been any; it is removed when that
   * is written down. Rejects if the disk cannot be read or written.
   */
  async load(onDamaged: () => Promise<unknown>): Promise<void> {
    const damaged: StorageWrite[] = [];
    for await (const [key, value] of this.#storage.range(ALL_FLOORS)) {
      const partition = partitionOfFloorKey(key);
      if (partition === undefined) continue;
      try {
        this.#floors.set(partition, decodeFloor(partition, value));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        damaged.push({ type: 'delete', key });
      }
    }
    if (damaged.length === 0) return;
    await onDamaged();
    await this.#storage.write(damaged, { sync: true });
  }

  /** Undefined: no key of the partition was ever collected here. */
  of(partition: Partition): Ballot | undefined {
    return this.#floors.get(partition);
  }

  get all(): readonly PartitionFloor[] {
    return [...this.#floors].map(([partition, floor]) => ({ partition, floor }));
  }

  /** Counts at once; gives what is to be written for it, nothing if the floor is as high already. */
  raise({ partition, floor }: PartitionFloor): readonly StorageWrite[] {
    if (!isAbove(floor, this.#floors.get(partition))) return [];
    this.#floors.set(partition, floor);
    return [{ type: 'put', key: floorKey(partition), value: encodeFloor(partition, floor) }];
  }
}
