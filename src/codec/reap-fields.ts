/** The steps of reaping tombstones as fields. */
import type { NodeId } from '../core/ids.ts';
import { MAX_REAP_ENTRIES } from '../core/limits.ts';
import type { ReapEntry, ReapRequest } from '../core/message.ts';
import { readEntryName } from './entry-name-fields.ts';
import { DIGEST_BYTES } from './hash.ts';
import { type FieldReader, FormatError } from './packer.ts';

const ROUND_BYTES = 16;

/** Leader and round, then for the first step flat: bucket, key, digest, bucket, ...; for the last one the places. */
export function reapRequestToFields(request: ReapRequest): readonly unknown[] {
  const round = [request.leader, request.round];
  switch (request.type) {
    case 'reap-watch':
      return [...round, request.entries.flatMap(({ bucket, key, digest }) => [bucket, key, digest])];
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
      return {
        type,
        leader,
        round,
        entries: fields
          .fields()
          .atMost(3 * MAX_REAP_ENTRIES)
          .each(readEntry),
      };
    case 'reap-settle':
    case 'reap-check':
      return { type, leader, round };
    case 'reap-drop': {
      const places = fields.fields().atMost(MAX_REAP_ENTRIES);
      return {
        type,
        leader,
        round,
        places: places.each((reader) => reader.integer(0, MAX_REAP_ENTRIES - 1)),
      };
    }
  }
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
