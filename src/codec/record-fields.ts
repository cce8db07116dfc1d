/**
 * A record as fields, in a canonical order: equal records give equal fields. That of a key which rounds have written has one field more,
 * for what they have left of write ids (round-writes.ts).
 */
import { contains } from '../core/causality/causal-context.ts';
import { compareSiblings } from '../core/causality/join.ts';
import type { KeyRecord, RememberedWrite, Sibling, SiblingContent } from '../core/causality/record.ts';
import { areWithinWindows, compareRememberedWrites } from '../core/causality/remembered-writes.ts';
import { MAX_CONTENT_TYPE_CHARACTERS, MAX_NODES, MAX_WRITE_ID_CHARACTERS } from '../core/limits.ts';
import { contextFromFields, contextToFields, readDot } from './context-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';
import { isPacked, packRoundWrites, unpackRoundWrites } from './round-writes.ts';

export function recordToFields({ siblings, context, writes, largestN }: KeyRecord): readonly unknown[] {
  const before = [siblings.map(siblingToFields), contextToFields(context)];
  if (context.ballot === undefined) return [...before, writes.map(rememberedWriteToFields), largestN];
  const { bytes, others } = packRoundWrites(writes);
  return [...before, others.map(rememberedWriteToFields), bytes, largestN];
}

/**
 * Throws FormatError, also for what no replica holds: joined into others it could do harm. Values alias what was
 * unpacked.
 */
export function recordFromFields(fields: FieldReader): KeyRecord {
  const siblings = fields.fields().each((reader) => readSibling(reader.fields()));
  const context = contextFromFields(fields.fields());
  const writes = readWrites(fields, context.ballot !== undefined);
  const largestN = fields.integer(1, MAX_NODES);
  if (!isSorted(siblings, compareSiblings)) throw new FormatError('siblings are not sorted');
  if (!siblings.every(({ dot }) => contains(context, dot))) {
    throw new FormatError('the context does not know a sibling');
  }
  if (!isSorted(writes, compareRememberedWrites)) throw new FormatError('write ids are not sorted');
  if (!areWithinWindows(writes)) throw new FormatError('too many write ids');
  return { siblings, context, writes, largestN };
}

/** Sorted, and without equals. */
function isSorted<Item>(items: readonly Item[], compare: (left: Item, right: Item) => number): boolean {
  return items.every((item, index) => index === 0 || compare(items[index - 1] as Item, item) < 0);
}

function siblingToFields({ dot, content, writtenAtMs, writeId }: Sibling): readonly unknown[] {
  const common = [dot.actor, dot.counter, writtenAtMs, writeId ?? null];
  return content.type === 'tombstone' ? common : [...common, content.contentType, content.bytes];
}

function readSibling(fields: FieldReader): Sibling {
  const dot = readDot(fields);
  const writtenAtMs = fields.integer(0);
  const writeId = fields.optionalString(MAX_WRITE_ID_CHARACTERS);
  const content: SiblingContent =
    fields.remaining === 0
      ? { type: 'tombstone' }
      : { type: 'value', contentType: fields.string(MAX_CONTENT_TYPE_CHARACTERS), bytes: fields.bytes() };
  fields.end();
  return { dot, content, writtenAtMs, writeId };
}

function rememberedWriteToFields(write: RememberedWrite): readonly unknown[] {
  const { id, dot, requestDigest, seenDigest, writtenAtMs, created } = write;
  return [id, dot.actor, dot.counter, requestDigest, seenDigest, writtenAtMs, created];
}

function readWrites(fields: FieldReader, arePacked: boolean): readonly RememberedWrite[] {
  const written = fields.fields().each((reader) => readRememberedWrite(reader.fields()));
  if (!arePacked) return written;
  if (written.some(isPacked)) throw new FormatError('a write id is not packed');
  const packed = unpackRoundWrites(fields.bytes());
  if (written.length === 0) return packed;
  if (!isSorted(written, compareRememberedWrites) || !isSorted(packed, compareRememberedWrites))
    throw new FormatError('write ids are not sorted');
  return [...written, ...packed].sort(compareRememberedWrites);
}

function readRememberedWrite(fields: FieldReader): RememberedWrite {
  const id = fields.string(MAX_WRITE_ID_CHARACTERS);
  const dot = readDot(fields);
  const requestDigest = fields.string(16);
  const seenDigest = fields.integer(0, 0xffff_ffff);
  const writtenAtMs = fields.integer(0);
  const created = fields.boolean();
  fields.end();
  return { id, dot, requestDigest, seenDigest, writtenAtMs, created };
}
