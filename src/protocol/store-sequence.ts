/**
 * How far a store has come, and whether something is missing in between. Each batch of writes leaves its number, and takes the
 * number before it away, so that there is one, that of the last batch. A batch that the disk has lost has not taken away the number
 * before it: LevelDB drops up to 32 KiB of its log where a byte has changed, and goes on behind it without a word; and where nothing
 * is synced, a power cut may take a piece out of the middle. If the end is lost, too, only others can tell (core/membership/store-mark.ts).
 */
import { ALL_SEQUENCES, metaKey, sequenceKey, sequenceOfKey } from '../codec/key-layout.ts';
import { FormatError } from '../codec/packer.ts';
import { decodeSequence } from '../codec/store-meta.ts';
import type { Storage, StorageWrite } from '../ports/storage.ts';

export interface StoreSequence {
  /** The number of the last batch; 0: there was none yet. */
  readonly reached: number;
  /** What has to be written, if it is not there, for the next batch to be missed. */
  readonly missing: readonly StorageWrite[];
  /** Numbers after which batches are missing, in rising order. */
  readonly gaps: readonly number[];
}

/** What a batch writes that brings the store to this number, 1 or more. */
export function sequenceWrites(sequence: number): readonly StorageWrite[] {
  return [leaves(sequence), { type: 'delete', key: sequenceKey(sequence - 1) }];
}

/** What makes up for gaps, once it is written down that something was lost. */
export function gapWrites(gaps: readonly number[]): readonly StorageWrite[] {
  return gaps.map((gap) => ({ type: 'delete', key: sequenceKey(gap) }));
}

/** One that is not there is the lowest: if peers have heard of a higher one, the store is taken for rolled back. */
export async function readStoreSequence(storage: Storage): Promise<StoreSequence> {
  const numbers: number[] = [];
  for await (const [key] of storage.range(ALL_SEQUENCES)) {
    const number = sequenceOfKey(key);
    if (number !== undefined) numbers.push(number);
  }
  const last = numbers.pop();
  const reached = last ?? (await earlierSequence(storage));
  return { reached, missing: last === undefined ? [leaves(reached)] : [], gaps: numbers };
}

function leaves(sequence: number): StorageWrite {
  return { type: 'put', key: sequenceKey(sequence), value: new Uint8Array(0) };
}

/** A program before this one kept the number alone, in one place. */
async function earlierSequence(storage: Storage): Promise<number> {
  const bytes = await storage.get(metaKey('sequence'));
  if (bytes === undefined) return 0;
  try {
    return decodeSequence(bytes);
  } catch (error) {
    if (error instanceof FormatError) return 0;
    throw error;
  }
}
