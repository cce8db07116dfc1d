/** The steps of reaping tombstones as fields. */
import type { NodeId } from '../core/ids.ts';
import { MAX_REAP_ENTRIES } from '../core/limits.ts';
import type { ReapEntry, ReapRequest } from '../core/message.ts';
import { readBallot } from './ballot-fields.ts';
import { readEntryName } from './entry-name-fields.ts';
import { DIGEST_BYTES } from './hash.ts';
import { type FieldReader, FormatError } from './packer.ts';

const ROUND_BYTES = 16;

/**
 * Leader and round, then for the first step flat: bucket, key, digest, bucket, ...; and, if there are any, place and ballot of
 * those that are to be collected; for the last one the places.
 */
export function reapRequestToFields(request: ReapRequest): readonly unknown[] {
  const round = [request.leader, request.round];
  switch (request.type) {
    case 'reap-watch':
      return [...round, ...entriesToFields(request.entries)];
    case 'reap-settle':
    case 'reap-check':
      return round;
    case 'reap-drop':
      return [...round, request.places];
  }
}

/** Throws FormatError. */
export function readReapRequest(type: ReapRequest['type'], fields: FieldReader): ReapRequest {
  const leader = fields.string(256) as NodeId;
  const round = sized(fields.bytes(), ROUND_BYTES);
  switch (type) {
    case 'reap-watch':
      return { type, leader, round, entries: readEntries(fields) };
    case 'reap-settle':
    case 'reap-check':
      return { type, leader, round };
    case 'reap-drop':
      return { type, leader, round, places: readReapPlaces(fields.fields()) };
  }
}

function entriesToFields(entries: readonly ReapEntry[]): readonly unknown[] {
  const flat = entries.flatMap(({ bucket, key, digest }) => [bucket, key, digest]);
  const ballots = entries.flatMap(({ chosenAt }, place) => (chosenAt === undefined ? [] : [place, chosenAt]));
  return ballots.length === 0 ? [flat] : [flat, ballots];
}

function readEntries(fields: FieldReader): readonly ReapEntry[] {
  const entries = fields
    .fields()
    .atMost(3 * MAX_REAP_ENTRIES)
    .each(readEntry);
  if (fields.remaining === 0) return entries;
  const pairs = fields.fields().atMost(2 * MAX_REAP_ENTRIES);
  const ballots = new Map(pairs.each((reader) => [readPlace(reader), readBallot(reader)] as const));
  return entries.map((entry, place) => {
    const chosenAt = ballots.get(place);
    return chosenAt === undefined ? entry : { ...entry, chosenAt };
  });
}

/** Throws FormatError. Places in the list of a round. */
export function readReapPlaces(fields: FieldReader): readonly number[] {
  return fields.atMost(MAX_REAP_ENTRIES).each(readPlace);
}

function readPlace(fields: FieldReader): number {
  return fields.integer(0, MAX_REAP_ENTRIES - 1);
}

/** Throws FormatError. One for each entry of a round. */
export function readReapAnswers(fields: FieldReader): readonly boolean[] {
  return fields.atMost(MAX_REAP_ENTRIES).each((reader) => reader.boolean());
}

function readEntry(fields: FieldReader): ReapEntry {
  return { ...readEntryName(fields), digest: sized(fields.bytes(), DIGEST_BYTES) };
}

function sized(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new FormatError(`${bytes.length} bytes where ${length} have to be`);
  return bytes;
}
