/**
 * Linearizability of one key whose writes are all conditional on a version token, in O(n log n).
 *
 * Tokens are unique (tombstones have their own), so what was observed forms one chain from the initial state, and the
 * order of all effective writes is given: the writer of a token stands right after the write of the token that it
 * expected, and whoever was shown a token stands between its writer and the next one. Such a history is linearizable iff no
 * operation was called after another one, of a later place, had returned. (Gibbons and Korach, "Testing shared memories",
 * theorem 4.13; the order by compare-and-set makes it exact.)
 *
 * Writes of unknown outcome count once somebody was shown their token. A refused write that does not tell what it found
 * is placed as early as it can be; past the end of the chain it is given the benefit of the doubt, for a write that nobody
 * saw may have been there. So nothing legal is ever called illegal, and everything illegal is found if refusals tell what
 * they found; register-search.ts is exact in every case, and slower.
 */
import type { Violation } from '../checkers/history.ts';

/** The token of a key that nobody has written. */
export const INITIAL_TOKEN = '';

interface Interval {
  readonly id: number;
  /** Places in one sequence of all calls and returns (checkers/history.ts), never clock readings. */
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** A conditional write; `returnedAt` is Infinity if its outcome is unknown. */
export interface ChainWrite extends Interval {
  readonly type: 'write';
  readonly expected: string;
  readonly token: string;
}

/** A read, or a refused write that tells which token it found. */
export interface ChainRead extends Interval {
  readonly type: 'read';
  readonly token: string;
}

/** A refused write that tells only that it did not find what it expected. */
export interface ChainRefusal extends Interval {
  readonly type: 'refused';
  readonly expected: string;
}

export type ChainOperation = ChainWrite | ChainRead | ChainRefusal;

/** Empty if the history is linearizable. Order of the operations does not matter. */
export function checkChain(key: string, operations: readonly ChainOperation[]): readonly Violation[] {
  const chain = chainOf(key, operations);
  if (chain.violations.length > 0) return chain.violations;
  return sweep(key, operations, chain);
}

interface Chain {
  /** Position of each token that was observed; the initial one has 0. */
  readonly positions: ReadonlyMap<string, number>;
  /** Writes of unknown outcome that may have followed the last one, and that nobody saw. */
  readonly beyondEnd: readonly ChainWrite[];
  readonly violations: readonly Violation[];
}

/** Finds the one order of all tokens that were observed. */
function chainOf(key: string, operations: readonly ChainOperation[]): Chain {
  const writers = new Map<string, ChainWrite>();
  for (const operation of operations) if (operation.type === 'write') writers.set(operation.token, operation);
  const observed = observedTokens(operations, writers);
  const next = new Map<string, ChainWrite>();
  const violations: Violation[] = [];
  const report = (invariant: string, detail: string): unknown =>
    violations.push({ invariant, detail: `${key}: ${detail}` });
  for (const token of observed) {
    const writer = writers.get(token);
    if (token === INITIAL_TOKEN) continue;
    if (writer === undefined) {
      report('not-linearizable', `the token ${token} was shown, but nobody may have written it`);
      continue;
    }
    const rival = next.get(writer.expected);
    if (rival !== undefined) {
      report(
        'two-winners',
        `the writes ${rival.id} and ${writer.id} both took the place of the token ${writer.expected || 'of nothing'}`,
      );
    }
    next.set(writer.expected, writer);
  }
  const positions = new Map([[INITIAL_TOKEN, 0]]);
  let last = INITIAL_TOKEN;
  for (let writer = next.get(last); writer !== undefined; writer = next.get(last)) {
    if (positions.has(writer.token)) break;
    positions.set(writer.token, positions.size);
    last = writer.token;
  }
  const loose = [...observed].find((token) => !positions.has(token));
  if (violations.length === 0 && loose !== undefined) {
    report('not-linearizable', `the token ${loose} was shown, but no chain of writes leads to it`);
  }
  const beyondEnd = [...writers.values()].filter(
    ({ token, expected }) => expected === last && !positions.has(token),
  );
  return { positions, beyondEnd, violations };
}

/** Tokens that somebody was shown, and, of their writers, what these expected. */
function observedTokens(
  operations: readonly ChainOperation[],
  writers: ReadonlyMap<string, ChainWrite>,
): ReadonlySet<string> {
  const observed = new Set<string>();
  const open = operations.flatMap((operation) => {
    if (operation.type === 'read') return [operation.token];
    return operation.type === 'write' && Number.isFinite(operation.returnedAt) ? [operation.token] : [];
  });
  for (let token = open.pop(); token !== undefined; token = open.pop()) {
    if (observed.has(token)) continue;
    observed.add(token);
    const writer = writers.get(token);
    if (writer !== undefined) open.push(writer.expected);
  }
  return observed;
}

/** Of a write: twice its position. Of whoever was shown it: one more. */
function placeOf(operation: ChainOperation, positions: ReadonlyMap<string, number>): number | undefined {
  if (operation.type === 'refused') return undefined;
  const position = positions.get(operation.token);
  if (position === undefined) return undefined;
  return operation.type === 'write' ? 2 * position : 2 * position + 1;
}

interface Moment {
  readonly at: number;
  readonly isCall: boolean;
  readonly operation: ChainOperation;
}

/** Goes through calls and returns in their order, and keeps the latest place that a returned operation had. */
function sweep(key: string, operations: readonly ChainOperation[], chain: Chain): readonly Violation[] {
  const { positions } = chain;
  const latestPlaces = latestPlacesOf(operations, positions);
  const chosen = new Map<ChainOperation, number>();
  let head: { readonly place: number; readonly operation: ChainOperation } | undefined;
  for (const { isCall, operation } of momentsOf(operations)) {
    if (!isCall) {
      const place = chosen.get(operation);
      if (place !== undefined && (head === undefined || place > head.place)) head = { place, operation };
      continue;
    }
    const headPlace = head?.place ?? 0;
    const place =
      operation.type === 'refused'
        ? placeOfRefusal(operation, headPlace, latestPlaces.get(operation) ?? Infinity, chain)
        : placeOf(operation, positions);
    if (operation.type === 'refused' && place === undefined) {
      const detail = `${key}: the write ${operation.id} was refused, but what it expected, ${operation.expected || 'nothing'}, was there all the time`;
      return [{ invariant: 'not-linearizable', detail }];
    }
    if (place === undefined) continue;
    if (head !== undefined && place < head.place) {
      const detail = `${key}: ${describe(head.operation)} had returned before ${describe(operation)} was called, but comes after it`;
      return [{ invariant: 'not-linearizable', detail }];
    }
    chosen.set(operation, place);
  }
  return [];
}

/** The first place from `head` on, up to `latest`, at which the expected token is not current. */
function placeOfRefusal(
  { expected, returnedAt }: ChainRefusal,
  head: number,
  latest: number,
  { positions, beyondEnd }: Chain,
): number | undefined {
  const first = head % 2 === 0 ? head + 1 : head;
  const position = positions.get(expected);
  if (position === undefined || first !== 2 * position + 1) return first <= latest ? first : undefined;
  const isLast = position === positions.size - 1;
  if (isLast && !beyondEnd.some(({ calledAt }) => calledAt <= returnedAt)) return undefined;
  return first + 2 <= latest ? first + 2 : undefined;
}

/** For each refused write the earliest place of all operations that were called after it had returned. */
function latestPlacesOf(
  operations: readonly ChainOperation[],
  positions: ReadonlyMap<string, number>,
): ReadonlyMap<ChainOperation, number> {
  const latest = new Map<ChainOperation, number>();
  let earliest = Infinity;
  for (const { isCall, operation } of momentsOf(operations).toReversed()) {
    if (isCall) earliest = Math.min(earliest, placeOf(operation, positions) ?? Infinity);
    else if (operation.type === 'refused') latest.set(operation, earliest);
  }
  return latest;
}

function momentsOf(operations: readonly ChainOperation[]): readonly Moment[] {
  const moments = operations.flatMap((operation): Moment[] => [
    { at: operation.calledAt, isCall: true, operation },
    { at: operation.returnedAt, isCall: false, operation },
  ]);
  // Intervals are closed: what is called at the very moment of a return overlaps it.
  return moments.sort((left, right) => left.at - right.at || Number(right.isCall) - Number(left.isCall));
}

function describe(operation: ChainOperation): string {
  switch (operation.type) {
    case 'write':
      return `the write ${operation.id} of ${operation.token}`;
    case 'read':
      return `the read ${operation.id}, which was shown ${operation.token || 'nothing'},`;
    case 'refused':
      return `the write ${operation.id}, which was refused,`;
  }
}
