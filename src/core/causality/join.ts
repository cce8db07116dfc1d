/**
 * The join of two records: what a replica holds once it has seen what both had seen. Commutative, associative,
 * idempotent, monotone (as long as no write id has left the window of remembered ones: see below).
 *
 * A sibling survives iff each side holds its dot or does not know it. Nothing else removes a sibling, with one
 * addition for requests that were retried under one write id. Two coordinators that took the same retry mint two dots
 * for one event (aliases). Aliases die together: a sibling also goes if the other side remembers its request and holds
 * no sibling of it any more, or if any sibling of that request falls by the first rule. Without this a retried write
 * that somebody has overwritten comes back under its second dot.
 *
 * A request is a write id together with the same bytes and the same context. The id alone would not do: a client that
 * has read its own write and repeats it with the newer context, through a node that does not know the id, makes a
 * second dot that supersedes the first, and the first would take the second with it. Nothing would be left of a write
 * that nobody has overwritten. A DELETE without a context has, in each attempt, seen what its coordinator found: attempts
 * that found different things are different requests. Were they one, a late attempt that deletes the successor of the
 * first would vanish together with it, and leave no tombstone to tell of the deletion.
 *
 * Past the window of remembered writes a request is forgotten, and its dots are separate events: nothing is lost and
 * replicas that exchange their records still become equal, but the order of joins may decide whether a late alias
 * shows.
 *
 * A client's write is a join too: of the local record with the record of that one write (recordOfWrite), whose context
 * is what the client had seen plus the new dot.
 *
 * Rejected: merging version vectors without dots (false siblings as soon as two clients write through one node), and
 * last-write-wins (loses one of two acknowledged writes by the luck of a clock).
 */
import { contains, joinContexts } from './causal-context.ts';
import { compareDots, sameDot } from './dot.ts';
import type { KeyRecord, RememberedWrite, Sibling } from './record.ts';
import {
  findRequest,
  isSameRequest,
  joinRememberedWrites,
  withRememberedWrite,
} from './remembered-writes.ts';

/** The record that covers both. Gives equal siblings once; two siblings with one dot and different bytes are both kept. */
export function joinRecords(left: KeyRecord, right: KeyRecord): KeyRecord {
  if (left === right) return left;
  const dead = [...findDeadRequests(left, right), ...findDeadRequests(right, left)];
  return {
    siblings: unionSiblings(survivors(left, right, dead), survivors(right, left, dead)),
    context: joinContexts(left.context, right.context),
    writes: joinRememberedWrites(left.writes, right.writes),
    largestN: Math.max(left.largestN, right.largestN),
  };
}

/**
 * As joinRecords, of a record and that of one write which is new to it and has seen all of it: nothing else survives. That no earlier
 * attempt of the write is remembered has been asked before.
 */
export function supersede(record: KeyRecord, write: KeyRecord): KeyRecord {
  return {
    siblings: write.siblings,
    context: write.context,
    writes: write.writes.reduce(withRememberedWrite, record.writes),
    largestN: Math.max(record.largestN, write.largestN),
  };
}

function survivors(
  record: KeyRecord,
  other: KeyRecord,
  dead: readonly RememberedWrite[],
): readonly Sibling[] {
  return record.siblings.filter((sibling) => {
    if (!isUnknownOrHeld(sibling, other)) return false;
    if (dead.length === 0) return true;
    const request = requestOf(sibling, record, other);
    return request === undefined || !dead.some((write) => isSameRequest(write, request));
  });
}

/** The rule itself: the other side does not know the dot, or still holds it. */
function isUnknownOrHeld(sibling: Sibling, other: KeyRecord): boolean {
  return (
    !contains(other.context, sibling.dot) || other.siblings.some((held) => sameDot(held.dot, sibling.dot))
  );
}

/** The requests among `record`'s siblings that are dead by what `other` knows. */
function findDeadRequests(record: KeyRecord, other: KeyRecord): readonly RememberedWrite[] {
  const dead: RememberedWrite[] = [];
  for (const sibling of record.siblings) {
    const request = requestOf(sibling, record, other);
    if (request === undefined) continue;
    if (!isUnknownOrHeld(sibling, other) || hasSuperseded(request, other, record)) dead.push(request);
  }
  return dead;
}

/** Whether a record remembers the request, but holds no sibling of it. */
function hasSuperseded(request: RememberedWrite, record: KeyRecord, other: KeyRecord): boolean {
  if (!record.writes.some((write) => isSameRequest(write, request))) return false;
  return !record.siblings.some((sibling) => {
    const held = requestOf(sibling, record, other);
    return held !== undefined && isSameRequest(held, request);
  });
}

/** The request that made a sibling; undefined if it had no write id, or if it left the window on both sides. */
function requestOf(sibling: Sibling, record: KeyRecord, other: KeyRecord): RememberedWrite | undefined {
  return findRequest(record, sibling) ?? findRequest(other, sibling);
}

/** Merges two sorted lists; equal siblings appear once. */
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

/** Total order by dot; by the rest only between siblings of one dot, which a correct cluster never has. */
export function compareSiblings(left: Sibling, right: Sibling): number {
  return compareDots(left.dot, right.dot) || compareContents(left, right);
}

function compareContents(left: Sibling, right: Sibling): number {
  if (left === right) return 0;
  if (left.writtenAtMs !== right.writtenAtMs) return left.writtenAtMs - right.writtenAtMs;
  if (left.writeId !== right.writeId) return (left.writeId ?? '') < (right.writeId ?? '') ? -1 : 1;
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
