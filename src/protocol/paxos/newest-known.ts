/**
 * How far a key has come, by what this node knows at the moment: the newest time that the key's record remembers, of a write or of
 * a refusal. Rounds remember nothing under a time that is below one that they have found (core/paxos/round.ts), so what is refused from
 * now on has no time below this one. That says since when a request waits, whatever any clock shows.
 */
import { EncodedRecord } from '../../codec/encoded-record.ts';
import { checkRecord } from '../../codec/record-codec.ts';
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
  if (known !== undefined) return newestOf(known);
  const found = (bytes: Uint8Array | undefined): number => {
    if (bytes === undefined) return 0;
    checkRecord(entry, bytes);
    const record = new EncodedRecord(bytes);
    // The round that comes need not be sent it, then, nor decode it again.
    knownObjects.keep(name, record, nowMs);
    return newestOf(record);
  };
  try {
    const read = afterwards(records.get(entry), found);
    return read instanceof Promise ? read.catch(() => 0) : read;
  } catch {
    return 0;
  }
}

function newestOf(record: EncodedRecord): number {
  return record.decoded().writes[0]?.writtenAtMs ?? 0;
}
