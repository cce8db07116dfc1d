/**
 * What conditional writes and linearizable reads of a key must come to, by what clients were told: linearizable together with
 * plain writes that were said to be ordered with them; and what each workload has to be in the end.
 */
import type { Sibling } from '../../../src/core/causality/record.ts';
import { type ChainOperation, checkChain } from '../linearizability/chain-check.ts';
import {
  isDead,
  type ObjectOperation,
  type ObjectRequest,
  stateOf,
} from '../linearizability/object-history.ts';
import { searchObject } from '../linearizability/object-search.ts';
import { eventOf } from './dots.ts';
import type { History, ObjectSight, Violation, WriteCondition, WriteEvent } from './history.ts';

/** What an event is called in states. */
export function nameOfEvent({ id, type }: Pick<WriteEvent, 'id' | 'type'>): string {
  return type === 'delete' ? `-${id}` : `${id}`;
}

/** Undefined: no client made it. The store itself notes on a tombstone that a write of a key that never was is refused. */
export function nameOf(sibling: Sibling): string | undefined {
  const event = eventOf(sibling);
  return event !== undefined && sibling.content.type === 'tombstone' ? `-${event}` : event?.toString();
}

/** One ETag stands for one content, for ever. Notes it in `known`. */
export function checkEtag(
  known: Map<string, string>,
  key: string,
  etag: string,
  state: string,
): readonly Violation[] {
  const name = `${key} ${etag}`;
  const before = known.get(name);
  known.set(name, state);
  if (before === undefined || before === state) return [];
  return [{ invariant: 'etag', detail: `the ETag ${etag} of ${key} stands for ${before} and for ${state}` }];
}

export type LinearizabilityVerdict =
  | { readonly type: 'legal' }
  | { readonly type: 'undecided' }
  | { readonly type: 'illegal'; readonly violation: Violation };

/** `mayForget`: whether deletions of the key may have been reaped or collected. */
export function judgeLinearizable(history: History, key: string, mayForget: boolean): LinearizabilityVerdict {
  const writes = history.writesOf(key).filter(({ outcome }) => outcome !== 'not-applied');
  const sights = history.sights.filter((sight) => sight.key === key);
  if (writes.every(({ type, condition }) => type === 'put' && condition !== undefined)) {
    const [violation] = checkChain(key, [...writes.map(chainWrite), ...sights.map(chainRead)]);
    return violation === undefined ? { type: 'legal' } : illegal(violation.detail);
  }
  const operations = [...writes.map((write) => objectWrite(history, write)), ...sights.map(objectSight)];
  const verdict = searchObject(operations, { mayForget });
  return verdict.type === 'illegal' ? illegal(`${key}: ${verdict.detail}`) : verdict;
}

function illegal(detail: string): LinearizabilityVerdict {
  return { type: 'illegal', violation: { invariant: 'not-linearizable', detail } };
}

/** Without deletions the only thing that a create can take the place of is nothing at all. */
function chainWrite(write: WriteEvent): ChainOperation {
  const expected = write.condition?.type === 'replace' ? write.condition.expected : '';
  return { type: 'write', ...intervalOf(write), expected, token: nameOfEvent(write) };
}

function chainRead({ id, calledAt, returnedAt, state }: ObjectSight): ChainOperation {
  return { type: 'read', id, calledAt, returnedAt, token: state };
}

function objectWrite(history: History, write: WriteEvent): ObjectOperation {
  const { condition, known } = write;
  const event = nameOfEvent(write);
  const interval = intervalOf(write);
  const outcome = Number.isFinite(interval.returnedAt) ? 'ok' : 'unknown';
  const request: ObjectRequest =
    condition === undefined
      ? { type: 'plain', replaces: new Set([...known].map((id) => nameIn(history, id))), event }
      : requestOf(condition, event);
  return { ...interval, request, outcome: { type: outcome } };
}

function objectSight({ id, calledAt, returnedAt, state, refused }: ObjectSight): ObjectOperation {
  const request: ObjectRequest = refused === undefined ? { type: 'read' } : requestOf(refused, '');
  return { id, calledAt, returnedAt, request, outcome: { type: 'shown', state } };
}

function requestOf(condition: WriteCondition, event: string): ObjectRequest {
  return condition.type === 'create'
    ? { type: 'create', event }
    : { type: 'replace', expected: condition.expected, event };
}

function nameIn(history: History, id: number): string {
  const write = history.write(id);
  return write === undefined ? `${id}` : nameOfEvent(write);
}

/** A write whose answer does not say that it is ordered may take effect at any time: nothing is promised of it. */
function intervalOf({ id, calledAt, returnedAt, outcome, isOrdered }: WriteEvent): {
  readonly id: number;
  readonly calledAt: number;
  readonly returnedAt: number;
} {
  const isKnown = outcome === 'ok' && isOrdered === true && returnedAt !== undefined;
  return { id, calledAt, returnedAt: isKnown ? returnedAt : Number.POSITIVE_INFINITY };
}

/** No refusal tells of something that meets the condition that it did not meet. */
export function checkRefusals(history: History, key: string): readonly Violation[] {
  const wrong = history.sights.find(
    (sight) =>
      sight.key === key &&
      (sight.refused?.type === 'create' ? isDead(sight.state) : sight.refused?.expected === sight.state),
  );
  if (wrong === undefined) return [];
  const detail = `${key}: the write ${wrong.id} was refused, and told of ${wrong.state || 'nothing'}, which meets its condition`;
  return [{ invariant: 'false-refusal', detail }];
}

/** A counter ends between the increments that were acknowledged and those that may have happened. `last`: undefined: no value. */
export function checkCounter(history: History, key: string, last: number | undefined): readonly Violation[] {
  const writes = history.writesOf(key);
  const sure = writes.filter(({ outcome }) => outcome === 'ok').length;
  const atMost = sure + writes.filter(({ outcome }) => outcome === 'unknown').length;
  const value = last ?? 0;
  if (value >= sure && value <= atMost) return [];
  const detail = `the counter ${key} is ${value}, after ${sure} increments that were acknowledged and ${atMost - sure} that may have happened`;
  return [{ invariant: 'counter', detail }];
}

/** Each list that was shown begins the longest one. */
export function checkAppends(history: History, key: string): readonly Violation[] {
  const lists = history.sights
    .filter((sight) => sight.key === key)
    .map(({ payload }) => (payload === undefined || payload === '' ? [] : payload.split(',')));
  const longest = lists.reduce((most, list) => (list.length > most.length ? list : most), []);
  const other = lists.find((list) => list.some((item, index) => longest[index] !== item));
  if (other === undefined) return [];
  const detail = `the list ${key} was shown as ${other.join()} and as ${longest.join()}`;
  return [{ invariant: 'append', detail }];
}

/** Of all that create one key one wins, if nobody deletes it. */
export function checkCreateRace(history: History, key: string): readonly Violation[] {
  const winners = history
    .writesOf(key)
    .filter(({ outcome, condition }) => outcome === 'ok' && condition?.type === 'create');
  if (winners.length <= 1) return [];
  const detail = `${key} was created by ${winners.map(({ id }) => id).join(' and by ')}`;
  return [{ invariant: 'two-winners', detail }];
}

/** Nobody gets a lock from the time at which another was told that it has it, to the time at which that one lets it go. */
export function checkLock(history: History, key: string): readonly Violation[] {
  const writes = history.writesOf(key);
  const heldUntil = new Map<string, number>();
  for (const { condition, type, calledAt } of writes) {
    if (type !== 'delete' || condition?.type !== 'replace') continue;
    const before = heldUntil.get(condition.expected) ?? Number.POSITIVE_INFINITY;
    heldUntil.set(condition.expected, Math.min(before, calledAt));
  }
  const holds = writes
    .filter(({ condition, outcome }) => condition?.type === 'create' && outcome === 'ok')
    .map((write) => ({
      id: write.id,
      from: write.returnedAt as number,
      to: heldUntil.get(stateOf([nameOfEvent(write)])) ?? Number.POSITIVE_INFINITY,
    }))
    // A client that finds that it has the lock may let it go before the answer comes.
    .filter(({ from, to }) => from < to)
    .sort((left, right) => left.from - right.from);
  for (const [index, { id, from }] of holds.entries()) {
    const before = holds[index - 1];
    if (before === undefined || before.to <= from) continue;
    const detail = `the lock ${key} was given to ${id} while ${before.id} held it`;
    return [{ invariant: 'two-holders', detail }];
  }
  return [];
}
