/**
 * Counts the records of one partition into digest trees while the records change.
 *
 * Each record is counted once, in its key's serial section, with what it is at that moment; every change after that moment
 * is told by `changed`. Keys are listed page by page in storage order. A change of a key that was not counted yet is left
 * out, for it will be counted; that is a key beyond the page, or on it and still waiting.
 *
 * A write is told after it is durable, still in its key's serial section. So one that the list shows is told before its key
 * is counted; and a new key that the list does not show is told while the page is being listed, and is added to it, or
 * later, and is counted by being told.
 *
 * A record that cannot be read is not counted: whoever compares has to see that it is not what others hold.
 */
import { entryOfRecordKey, keyAfter, partitionRange } from '../../codec/key-layout.ts';
import type { EntryName, Partition } from '../../core/ids.ts';
import { TREE_STEP_BYTES } from '../../core/limits.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Storage } from '../../ports/storage.ts';
import type { Pace } from '../background/pace.ts';
import { RecordTrees } from './record-trees.ts';

export interface TreeBuildPorts {
  readonly storage: Storage;
  /** Shows a record while nothing can change it. Resolves to false if it has to be looked at again: it cannot be read now. */
  readonly look: (entry: EntryName, use: (encoded: Uint8Array | undefined) => void) => Promise<boolean>;
  readonly pace: Pace;
  readonly sizes: Pick<WorkSizes, 'treeStepRecords'>;
}

/** After every storage key of a partition. */
const END = '\uffff';

export class TreeBuild {
  readonly trees: RecordTrees;
  readonly #ports: TreeBuildPorts;
  readonly #partition: Partition;
  /** All keys up to here are counted, but for those that wait. Storage keys as latin1, which compares like their bytes. */
  #listedTo = '';
  #waiting = new Set<string>();
  #changedWhileListing: Set<string> | undefined;
  #couldReadAll = true;
  /** Bytes counted since others had their turn. */
  #stepBytes = 0;

  /** `partitions` of the ring. */
  constructor(partition: Partition, partitions: number, ports: TreeBuildPorts) {
    this.#partition = partition;
    this.trees = new RecordTrees(partitions);
    this.#ports = ports;
  }

  /** Whether no record was left out because it could not be read. */
  get couldReadAll(): boolean {
    return this.#couldReadAll;
  }

  /** Resolves to true when every record is counted, to false if the node is closing. Rejects if the store cannot be read. */
  async run(): Promise<boolean> {
    const { pace } = this.#ports;
    while (this.#listedTo !== END) {
      if (pace.isClosed) return false;
      await this.#listPage();
      for (const name of this.#waiting) {
        if (pace.isClosed) return false;
        await this.#count(name);
        if (this.#stepBytes >= TREE_STEP_BYTES) await this.#pause();
      }
      if (this.#stepBytes > 0) await this.#pause();
    }
    return true;
  }

  /** A record changed; told in its key's serial section. */
  changed(
    storageKey: Uint8Array,
    entry: EntryName,
    before: Uint8Array | undefined,
    after: Uint8Array | undefined,
  ): void {
    const name = nameOf(storageKey);
    this.#changedWhileListing?.add(name);
    if (name > this.#listedTo || this.#waiting.has(name)) return;
    this.trees.replace(entry, before, after);
  }

  async #listPage(): Promise<void> {
    const { from, to } = partitionRange(this.#partition);
    const begin = this.#listedTo === '' ? from : keyAfter(Buffer.from(this.#listedTo, 'latin1'));
    const changed = new Set<string>();
    this.#changedWhileListing = changed;
    const listed: string[] = [];
    const { storage, sizes } = this.#ports;
    const limit = sizes.treeStepRecords;
    for await (const [key] of storage.range({ from: begin, to, limit })) listed.push(nameOf(key));
    const pageEnd = listed.length < limit ? END : (listed.at(-1) ?? END);
    for (const name of changed) if (name > this.#listedTo && name <= pageEnd) listed.push(name);
    this.#waiting = new Set(listed);
    this.#listedTo = pageEnd;
    this.#changedWhileListing = undefined;
  }

  async #count(name: string): Promise<void> {
    const entry = entryOfRecordKey(Buffer.from(name, 'latin1'));
    const couldRead = await this.#ports.look(entry, (encoded) => {
      this.#waiting.delete(name);
      if (encoded === undefined) return;
      this.trees.replace(entry, undefined, encoded);
      this.#stepBytes += encoded.length;
    });
    if (!couldRead) this.#couldReadAll = false;
  }

  #pause(): Promise<void> {
    this.#stepBytes = 0;
    return this.#ports.pace.pause();
  }
}

function nameOf(storageKey: Uint8Array): string {
  return Buffer.from(storageKey.buffer, storageKey.byteOffset, storageKey.byteLength).toString('latin1');
}
