/**
 * The join of two records: what a replica holds once it has seen what both had seen. Commutative, associative,
 * idempotent, monotone.
 *
 * A sibling survives iff each side holds its dot or does not know it. Nothing else removes a sibling, with one
 * addition for writes that were retried under one write id. Two coordinators that took the same retry mint two dots
 * for one event (aliases). Aliases die together: a sibling also goes if the other side knows its write id and holds no
 * sibling of it any more, or if any sibling of that id falls by the first rule. Without this a retried write that
 * somebody has overwritten comes back under its second dot.
 *
 * A client's write is a join too: of the local record with the record of that one write (recordOfWrite), whose context
 * is what the client had seen plus the new dot.
 *
 * Rejected: merging version vectors without dots (false siblings as soon as two clients write through one node), and
 * last-write-wins (loses one of two acknowledged writes by the luck of a clock).
 */
import { contains, joinContexts } from './causal-context.ts';
import { compareDots, sameDot } from './dot.ts';
import type { KeyRecord, Sibling } from './record.ts';
import { joinRememberedWrites } from './remembered-writes.ts';

/** The record that covers both. Gives equal siblings once; two siblings with one dot and different bytes are both kept. */
export function joinRecords(left: KeyRecord, right: KeyRecord): KeyRecord {
  if (left === right) return left;
  const deadWriteIds = findDeadWriteIds(left, right);
  return {
    siblings: unionSiblings(
      left.siblings.filter((sibling) => survives(sibling, right, deadWriteIds)),
      right.siblings.filter((sibling) => survives(sibling, left, deadWriteIds)),
    ),
    context: joinContexts(left.context, right.context),
    writes: joinRememberedWrites(left.writes, right.writes),
    largestN: Math.max(left.largestN, right.largestN),
  };
}

function survives(sibling: Sibling, other: KeyRecord, deadWriteIds: ReadonlySet<string>): boolean {
  if (sibling.writeId !== undefined && deadWriteIds.has(sibling.writeId)) return false;
  return isUnknownOrHeld(sibling, other);
}

/** The rule itself: the other side does not know the dot, or still holds it. */
function isUnknownOrHeld(sibling: Sibling, other: KeyRecord): boolean {
  return (
    !contains(other.context, sibling.dot) || other.siblings.some((held) => sameDot(held.dot, sibling.dot))
  );
}

function findDeadWriteIds(left: KeyRecord, right: KeyRecord): ReadonlySet<string> {
  const dead = new Set<string>();
  collectDeadWriteIds(left, right, dead);
  collectDeadWriteIds(right, left, dead);
  return dead;
}

/** Adds the write ids of `record`'s siblings that are dead by what `other` knows. */
function collectDeadWriteIds(record: KeyRecord, other: KeyRecord, dead: Set<string>): void {
  for (const sibling of record.siblings) {
    const { writeId } = sibling;
    if (writeId === undefined || dead.has(writeId)) continue;
    const remembered = other.writes.some((write) => write.id === writeId);
    const held = other.siblings.some((candidate) => candidate.writeId === writeId);
    if ((remembered && !held) || !isUnknownOrHeld(sibling, other)) dead.add(writeId);
  }
}

/** Merges two sorted lists; siblings that are equal in dot and bytes appear once. */
function unionSiblings(left: readonly Sibling[], right: readonly Sibling[]): readonly Sibling[] {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const union: Sibling[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const [fromLeft, fromRight] = [left[i], right[j]];
    if (fromLeft === undefined) return [...union, ...right.slice(j)];
    if (fromRight === undefined) return [...union, ...left.slice(i)];
    const order = compareSiblings(fromLeft, fromRight);
    union.push(order <= 0 ? fromLeft : fromRight);
    if (order <= 0) i += 1;
    if (order >= 0) j += 1;
  }
}

/** Total order by dot; by bytes only between siblings of one dot, which a correct cluster never has. */
function compareSiblings(left: Sibling, right: Sibling): number {
  return compareDots(left.dot, right.dot) || compareContents(left, right);
}

function compareContents(left: Sibling, right: Sibling): number {
  if (left === right) return 0;
  const [a, b] = [left.content, right.content];
  if (a.type === 'tombstone' || b.type === 'tombstone')
    return Number(a.type === 'value') - Number(b.type === 'value');
  if (a.contentType !== b.contentType) return a.contentType < b.contentType ? -1 : 1;
  return compareBytes(a.bytes, b.bytes);
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (left[i] as number) - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
