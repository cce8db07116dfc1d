/**
 * How far the rounds of a key have come, by what this node knows at the moment: the newest time that its record remembers of a
 * round. Whatever a later round remembers has a ballot above that one's, for both are of one chain of chosen objects. That says since
 * when a request waits, whatever any clock shows.
 */
import { EncodedRecord } from '../../codec/encoded-record.ts';
import { checkRecord } from '../../codec/record-codec.ts';
import { newestOfRounds } from '../../core/causality/remembered-writes.ts';
import { type EntryName, nameOf } from '../../core/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { afterwards, type MaybeLater } from '../at-once.ts';
import type { RecordStore } from '../replica/record-store.ts';
import type { KnownObjects } from './known-objects.ts';

export interface NewestKnownPorts {
  readonly records: RecordStore;
  readonly knownObjects: KnownObjects;
  readonly clock: Clock;
}

/** Milliseconds since 1970; 0 if nothing is remembered, or if what is cannot be read. Neither throws nor rejects. */
export function newestKnownMs(
  { records, knownObjects, clock }: NewestKnownPorts,
  entry: EntryName,
): MaybeLater<number> {
  const name = nameOf(entry);
  const nowMs = clock.nowMs();
  const known = knownObjects.recent(name, nowMs);
  if (known !== undefined) return newestOfRounds(known.decoded());
  const found = (bytes: Uint8Array | undefined): number => {
    if (bytes === undefined) return 0;
    checkRecord(entry, bytes);
    const record = new EncodedRecord(bytes);
    const newestMs = newestOfRounds(record.decoded());
    // The round that comes need not be sent it, then, nor decode it again.
    knownObjects.keep(name, record, nowMs);
    return newestMs;
  };
  try {
    const read = afterwards(records.get(entry), found);
    return read instanceof Promise ? read.catch(() => 0) : read;
  } catch {
    return 0;
  }
}
