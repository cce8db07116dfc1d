import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import type { ReplicaResult } from '../../../src/core/outcome.ts';
import { majority, QuorumTally } from '../../../src/core/quorum/quorum-tally.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'] as unknown as readonly NodeId[];
/** One that counts, one that counts as "holds nothing", two that do not count, and one that never comes. */
const RESULTS = ['ok', 'not-found', 'unreadable', 'unreachable', 'late'] as const;
type Result = (typeof RESULTS)[number];

function* combinations(length: number): Generator<readonly Result[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of combinations(length - 1)) for (const result of RESULTS) yield [...rest, result];
}

function* orders(indexes: readonly number[]): Generator<readonly number[]> {
  if (indexes.length === 0) yield [];
  for (const first of indexes) {
    for (const rest of orders(indexes.filter((index) => index !== first))) yield [first, ...rest];
  }
}

const counts = (result: Result): boolean => result === 'ok' || result === 'not-found';

/** The verdict by its definition, from what has come so far. */
function verdictOf(results: readonly Result[], arrived: ReadonlySet<number>, required: number): string {
  const good = results.filter((result, index) => arrived.has(index) && counts(result)).length;
  const open = results.filter((_, index) => !arrived.has(index)).length;
  if (good >= required) return 'reached';
  return good + open < required ? 'impossible' : 'open';
}

function tallyOf(nodes: readonly NodeId[], required: number): QuorumTally {
  const tally = new QuorumTally(nodes, required);
  for (const node of nodes) tally.ask(node);
  return tally;
}

/** Settles the answers in this order, and compares the verdict after each; answers how many were compared. */
function checkOrder(
  nodes: readonly NodeId[],
  results: readonly Result[],
  order: readonly number[],
  required: number,
): number {
  const tally = tallyOf(nodes, required);
  const arrived = new Set<number>();
  for (const index of order) {
    const result = results[index] as Result;
    if (result === 'late') continue;
    tally.settle(nodes[index] as NodeId, result, 1);
    arrived.add(index);
    if (tally.verdict !== verdictOf(results, arrived, required)) {
      expect.fail(`${results.join()} in the order ${order.join()}, required ${required}: ${tally.verdict}`);
    }
  }
  return arrived.size;
}

describe('a quorum tally', () => {
  it.each([1, 2, 3, 4, 5])('gives the right verdict after each answer, in every order, for N = %i', (n) => {
    const nodes = NODES.slice(0, n);
    // Every order of every combination up to N = 4; for 5 the combinations in two orders.
    const sequences =
      n <= 4
        ? [...orders([...nodes.keys()])]
        : [
            [0, 1, 2, 3, 4],
            [3, 1, 4, 0, 2],
          ];
    let checked = 0;
    for (const results of combinations(n)) {
      for (const order of sequences) {
        for (let required = 1; required <= n; required += 1) {
          checked += checkOrder(nodes, results, order, required);
        }
      }
    }
    expect(checked).toBeGreaterThan(n);
  });

  it('counts a node once, however often it answers', () => {
    const tally = tallyOf(NODES.slice(0, 3), 2);
    expect(tally.settle('n1' as NodeId, 'ok', 1)).toBe(true);
    expect(tally.settle('n1' as NodeId, 'ok', 2)).toBe(false);
    expect(tally.counted).toBe(1);
    expect(tally.verdict).toBe('open');
  });

  it('counts a node that failed first as failed, and one that was not asked not at all', () => {
    const tally = new QuorumTally(NODES.slice(0, 3), 2);
    tally.ask('n1' as NodeId);
    tally.settle('n1' as NodeId, 'unreachable', 1);
    expect(tally.settle('n1' as NodeId, 'ok', 2)).toBe(false);
    expect(tally.settle('n2' as NodeId, 'ok', 2)).toBe(false);
    expect(tally.settle('stranger' as NodeId, 'ok', 2)).toBe(false);
    expect(tally.counted).toBe(0);
  });

  it('says how many more have to be asked', () => {
    const tally = new QuorumTally(NODES, 3);
    expect(tally.missing).toBe(3);
    tally.ask('n1' as NodeId);
    tally.ask('n2' as NodeId);
    expect(tally.missing).toBe(1);
    tally.settle('n1' as NodeId, 'unreadable', 1);
    expect(tally.missing).toBe(2);
    tally.settle('n2' as NodeId, 'not-found', 1);
    expect(tally.missing).toBe(2);
  });

  it('reports each node, with the time it took or has taken so far', () => {
    const tally = new QuorumTally(NODES.slice(0, 3), 2);
    tally.ask('n1' as NodeId);
    tally.ask('n2' as NodeId);
    tally.settle('n1' as NodeId, 'ok', 3.14);
    expect(tally.reports(20)).toEqual([
      { node: 'n1', result: 'ok', ms: 3.1 },
      { node: 'n2', result: 'no-answer', ms: 20 },
      { node: 'n3', result: 'not-asked', ms: 0 },
    ]);
  });

  it.each<[ReplicaResult, boolean]>([
    ['ok', true],
    ['not-found', true],
    ['unreachable', false],
    ['no-answer', false],
    ['unreadable', false],
    ['refused', false],
    ['connection-lost', false],
  ])('counts the result %s: %s', (result, expected) => {
    const tally = tallyOf(NODES.slice(0, 1), 1);
    tally.settle('n1' as NodeId, result, 1);
    expect(tally.counts('n1' as NodeId)).toBe(expected);
    expect(tally.verdict).toBe(expected ? 'reached' : 'impossible');
  });
});

describe('an answer that is taken back', () => {
  it('counts no more, so that others have to be asked', () => {
    const tally = new QuorumTally(NODES.slice(0, 3), 2);
    const [first, second] = NODES as readonly [NodeId, NodeId];
    for (const node of [first, second]) tally.ask(node);
    tally.settle(first, 'not-found', 1);
    tally.settle(second, 'ok', 1);
    expect(tally.verdict).toBe('reached');
    expect([tally.revoke(first, 'recovering'), tally.revoke(first, 'recovering')]).toEqual([true, false]);
    expect([tally.verdict, tally.counted, tally.countedHomes, tally.missing]).toEqual(['open', 1, 1, 1]);
    expect(tally.reports(1)[0]).toMatchObject({ node: first, result: 'recovering' });
  });

  it('is not there if it did not count', () => {
    const tally = new QuorumTally(NODES.slice(0, 3), 2);
    const [first, second, third] = NODES as readonly [NodeId, NodeId, NodeId];
    for (const node of [first, second]) tally.ask(node);
    tally.settle(first, 'unreadable', 1);
    expect([first, second, third].map((node) => tally.revoke(node, 'recovering'))).toEqual([
      false,
      false,
      false,
    ]);
    expect(tally.verdict).toBe('open');
  });
});

describe('a majority', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('of %i is %i, so that two of them share a member', (n, expected) => {
    expect(majority(n)).toBe(expected);
    expect(2 * majority(n)).toBeGreaterThan(n);
  });
});
