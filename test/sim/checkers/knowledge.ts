/**
 * The knowledge oracle: what must be live follows from what clients had really seen, whatever the store did with its contexts.
 *
 * A write may supersede only what its client had seen. So an acknowledged write is covered if it is shown, or if a write
 * that had seen it is covered; else it is lost. Trusting the token instead of what the client saw would miss tokens that
 * cover too much. (After Riak's and Garage's lost-update bugs; Jepsen's set test generalised to contexts.)
 */
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import type { EventSet } from './closure.ts';
import type { History, ReadEvent, Violation } from './history.ts';

/** All events that the shown ones account for: themselves, and what their clients had seen. */
export function coveredBy(history: History, key: string, shown: Iterable<number>): EventSet {
  return history.closureOf(key).coveredBy([...shown]);
}

/** No acknowledged write is lost: each is covered by what a key shows at the end. */
export function checkNothingLost(
  history: History,
  finally_: ReadonlyMap<string, Iterable<number>>,
): readonly Violation[] {
  const violations: Violation[] = [];
  for (const [key, shown] of finally_) {
    const live = [...shown];
    const covered = coveredBy(history, key, [...live, ...history.reapedOf(key)]);
    for (const write of history.writesOf(key)) {
      if (write.outcome !== 'ok' || covered.has(write.id)) continue;
      violations.push({
        invariant: 'acknowledged-write-lost',
        detail: `${write.type} ${write.id} of ${key} was acknowledged, but at the end the key shows ${list(live)}, and no client of those had seen it`,
      });
    }
  }
  return violations;
}

/**
 * A read that meets every write quorum covers each write that was acknowledged before it began, if home replicas alone
 * made both quorums.
 */
export function checkReadSeesAcknowledged(history: History, read: ReadEvent): readonly Violation[] {
  if (read.isSloppy === true) return [];
  const due = history
    .writesOf(read.key)
    .filter(
      ({ outcome, returnedAt, isSloppy, n, w }) =>
        outcome === 'ok' &&
        isSloppy !== true &&
        returnedAt !== undefined &&
        returnedAt < read.calledAt &&
        meets(read, { n, w }),
    );
  if (due.length === 0) return [];
  const covered = coveredBy(history, read.key, [...read.shown, ...history.reapedOf(read.key)]);
  const missed = due.filter(({ id }) => !covered.has(id));
  return missed.slice(0, 1).map(({ id, type }) => ({
    invariant: 'read-missed-acknowledged-write',
    detail: `read ${read.id} of ${read.key} at R=${read.r} shows ${list(read.shown)}, but ${type} ${id} had been acknowledged before it began`,
  }));
}

/** A read that names what its client knows answers nothing older. */
export function checkAsNewAsSession(
  history: History,
  { id: readId, key, shown }: Pick<ReadEvent, 'id' | 'key' | 'shown'>,
  known: ReadonlySet<number>,
): readonly Violation[] {
  const covered = coveredBy(history, key, [...shown, ...history.reapedOf(key)]);
  const missed = [...known].find((event) => !covered.has(event));
  if (missed === undefined) return [];
  const detail = `read ${readId} of ${key} shows ${list(shown)}, but its client named a context with ${missed}`;
  return [{ invariant: 'session-went-back', detail }];
}

/** R + W > max(N, N'): the preference list of the smaller N is a prefix of the other. */
function meets(read: ReadEvent, write: { readonly n: number; readonly w: number }): boolean {
  return read.r + write.w > Math.max(read.n, write.n);
}

/**
 * No two values are shown side by side of which one was written by somebody who had seen the other.
 *
 * A write that was retried through another node may have two dots, and a context that covers the one does not name the other:
 * until the replicas have met, a read may show it beside its successor. At the end (`isSettled`) that is over, unless the key
 * has taken more write ids than a record remembers, or it was a DELETE without a context: two attempts of that found different
 * things to delete, and so are two events.
 */
export function checkNoFalseSiblings(
  history: History,
  { id: readId, key, shown }: Pick<ReadEvent, 'id' | 'key' | 'shown'>,
  isSettled: boolean,
): readonly Violation[] {
  const pairs = history.closureOf(key).supersededAmong(shown);
  const found = pairs.find(([, superseded]) => !mayHaveTwoDots(history, superseded, isSettled));
  if (found === undefined) return [];
  const [id, superseded] = found;
  const detail = `read ${readId} of ${key} shows ${superseded} beside ${id}, whose client had seen it`;
  return [{ invariant: 'false-sibling', detail }];
}

/**
 * What was deleted does not come back when the deletion has been reaped; but for a write that its client repeats after that: its
 * write id has gone, too.
 */
export function checkNotRevived(
  history: History,
  { id: readId, key, shown, calledAt }: Pick<ReadEvent, 'id' | 'key' | 'shown' | 'calledAt'>,
): readonly Violation[] {
  const reaped = history.reapedOf(key, calledAt);
  if (reaped.length === 0) return [];
  const pairs = history.closureOf(key).supersededAmong([...shown, ...reaped]);
  const found = pairs.find(
    ([deletion, value]) =>
      reaped.includes(deletion) && shown.includes(value) && !mayHaveTwoDots(history, value, false),
  );
  if (found === undefined) return [];
  const [deletion, value] = found;
  const detail = `read ${readId} of ${key} shows ${value}, which ${deletion} had deleted before it was reaped`;
  return [{ invariant: 'deleted-value-revived', detail }];
}

function mayHaveTwoDots(history: History, id: number, isSettled: boolean): boolean {
  const write = history.write(id);
  if (write === undefined || write.attemptsById < 2) return false;
  if (!isSettled || write.isBlindDelete) return true;
  return history.writesOf(write.key).filter(({ attemptsById }) => attemptsById > 0).length > MAX_WRITE_IDS;
}

/** Only values that somebody wrote to this key, before the read returned, are shown. */
export function checkNoInvention(history: History, read: ReadEvent): readonly Violation[] {
  for (const id of read.shown) {
    const write = history.write(id);
    if (write !== undefined && write.key === read.key && write.calledAt < read.returnedAt) continue;
    return [
      {
        invariant: 'invented-value',
        detail: `read ${read.id} of ${read.key} shows ${id}, which nobody wrote there`,
      },
    ];
  }
  return [];
}

/** A value that is shown is the one that was written, whole. `isWhole`: whether each of the shown ones is. */
export function checkValuesWhole(
  { id: readId, key, shown }: Pick<ReadEvent, 'id' | 'key' | 'shown'>,
  isWhole: (event: number) => boolean,
): readonly Violation[] {
  const broken = shown.find((event) => !isWhole(event));
  if (broken === undefined) return [];
  const detail = `read ${readId} of ${key} shows ${broken} with other bytes than were written`;
  return [{ invariant: 'invented-value', detail }];
}

/** What was answered as not applied is nowhere. */
export function checkNotApplied(history: History, seen: Iterable<number>): readonly Violation[] {
  const violations: Violation[] = [];
  for (const id of seen) {
    const write = history.write(id);
    if (write?.outcome !== 'not-applied' || write.returnedAt === undefined) continue;
    violations.push({
      invariant: 'not-applied-was-applied',
      detail: `${write.type} ${id} of ${write.key} was answered as not applied, but a replica stored it`,
    });
  }
  return violations;
}

function list(ids: readonly number[]): string {
  return ids.length === 0 ? 'nothing' : ids.join(', ');
}
