import { describe, expect, it } from 'vitest';
import { isLinearizable } from './brute-force.ts';
import { drawHistory, type HistoryShape } from './random-history.ts';
import type { RegisterOperation, RegisterOutcome, RegisterRequest } from './register-history.ts';
import { searchRegister } from './register-search.ts';

const read: RegisterRequest = { type: 'read' };
const create = (value: string): RegisterRequest => ({ type: 'create', value });
const cas = (expected: string, value: string): RegisterRequest => ({ type: 'cas', expected, value });
const write = (value: string): RegisterRequest => ({ type: 'write', value });
const remove = (expected?: string): RegisterRequest => ({ type: 'delete', expected });

const ok: RegisterOutcome = { type: 'ok' };
const refused: RegisterOutcome = { type: 'refused' };
const found = (state?: string): RegisterOutcome => ({ type: 'refused', found: { state } });
const shown = (state?: string): RegisterOutcome => ({ type: 'read', state });
const unknown: RegisterOutcome = { type: 'unknown' };

type Row = readonly [
  calledAt: number,
  returnedAt: number,
  request: RegisterRequest,
  outcome: RegisterOutcome,
];

function history(rows: readonly Row[]): readonly RegisterOperation[] {
  return rows.map(([calledAt, returnedAt, request, outcome], index) => ({
    id: index + 1,
    calledAt,
    returnedAt: outcome.type === 'unknown' ? Infinity : returnedAt,
    request,
    outcome,
  }));
}

const LEGAL: readonly (readonly [string, readonly Row[]])[] = [
  ['nothing happened', []],
  [
    'a write is read after it',
    [
      [1, 2, write('a'), ok],
      [3, 4, read, shown('a')],
    ],
  ],
  [
    'a read overlaps a write and may see it or not',
    [
      [1, 5, write('a'), ok],
      [2, 3, read, shown()],
      [4, 6, read, shown('a')],
    ],
  ],
  [
    'the second of two overlapping writes is read',
    [
      [1, 4, write('a'), ok],
      [2, 3, write('b'), ok],
      [5, 6, read, shown('a')],
    ],
  ],
  [
    'one of two creates wins',
    [
      [1, 4, create('a'), ok],
      [2, 3, create('b'), found('a')],
      [5, 6, read, shown('a')],
    ],
  ],
  [
    'a create after a delete',
    [
      [1, 2, write('a'), ok],
      [3, 4, remove(), ok],
      [5, 6, create('b'), ok],
    ],
  ],
  [
    'a compare-and-set that overlaps what it expects',
    [
      [1, 6, write('a'), ok],
      [2, 5, cas('a', 'b'), ok],
      [7, 8, read, shown('b')],
    ],
  ],
  [
    'a refusal while what it expects is not there yet',
    [
      [1, 6, write('a'), ok],
      [2, 3, cas('a', 'b'), refused],
    ],
  ],
  [
    'a write of unknown outcome that is seen late',
    [
      [1, 0, write('a'), unknown],
      [2, 3, read, shown()],
      [4, 5, read, shown('a')],
    ],
  ],
  [
    'a write of unknown outcome that is never seen',
    [
      [1, 0, write('a'), unknown],
      [2, 3, read, shown()],
    ],
  ],
  [
    'an unknown delete between two creates',
    [
      [1, 2, create('a'), ok],
      [3, 0, remove(), unknown],
      [4, 5, create('b'), ok],
    ],
  ],
  [
    'an unknown compare-and-set that another relies on',
    [
      [1, 2, write('a'), ok],
      [3, 0, cas('a', 'b'), unknown],
      [4, 5, cas('b', 'c'), ok],
    ],
  ],
  [
    'a chain of two unknown ones',
    [
      [1, 0, write('a'), unknown],
      [2, 0, cas('a', 'b'), unknown],
      [3, 4, read, shown('b')],
    ],
  ],
  [
    'the same value twice by unknown writes',
    [
      [1, 0, write('a'), unknown],
      [2, 0, write('a'), unknown],
      [3, 4, read, shown('a')],
      [5, 6, remove('a'), ok],
      [7, 8, read, shown('a')],
    ],
  ],
  [
    'an unknown value that nobody saw makes a create fail',
    [
      [1, 0, write('a'), unknown],
      [2, 3, create('b'), refused],
    ],
  ],
  [
    'a delete that found nothing',
    [
      [1, 2, remove(), found()],
      [3, 4, read, shown()],
    ],
  ],
];

const ILLEGAL: readonly (readonly [string, readonly Row[]])[] = [
  ['a value that nobody wrote', [[1, 2, read, shown('a')]]],
  [
    'a write is not read after it',
    [
      [1, 2, write('a'), ok],
      [3, 4, read, shown()],
    ],
  ],
  [
    'a read goes back',
    [
      [1, 6, write('a'), ok],
      [2, 3, read, shown('a')],
      [4, 5, read, shown()],
    ],
  ],
  [
    'an overwritten value is read',
    [
      [1, 2, write('a'), ok],
      [3, 4, write('b'), ok],
      [5, 6, read, shown('a')],
    ],
  ],
  [
    'two creates win',
    [
      [1, 4, create('a'), ok],
      [2, 3, create('b'), ok],
    ],
  ],
  [
    'two compare-and-sets take the place of one value',
    [
      [1, 2, write('a'), ok],
      [3, 6, cas('a', 'b'), ok],
      [4, 5, cas('a', 'c'), ok],
    ],
  ],
  [
    'what was refused is read',
    [
      [1, 2, write('a'), ok],
      [3, 4, cas('x', 'b'), found('a')],
      [5, 6, read, shown('b')],
    ],
  ],
  [
    'a refusal while what it expects is there all the time',
    [
      [1, 2, write('a'), ok],
      [3, 4, cas('a', 'b'), refused],
      [5, 6, read, shown('a')],
    ],
  ],
  [
    'a refusal tells what it expected',
    [
      [1, 2, write('a'), ok],
      [3, 4, cas('a', 'b'), found('a')],
    ],
  ],
  ['a refused create on nothing', [[1, 2, create('a'), refused]]],
  [
    'a deleted value comes back',
    [
      [1, 2, write('a'), ok],
      [3, 4, remove('a'), ok],
      [5, 6, read, shown('a')],
    ],
  ],
  ['a delete of what is not there', [[1, 2, remove(), ok]]],
  [
    'a delete that found nothing where something was',
    [
      [1, 2, write('a'), ok],
      [3, 4, remove(), found()],
    ],
  ],
  [
    'an unknown write is seen before its call',
    [
      [1, 2, read, shown('a')],
      [3, 0, write('a'), unknown],
    ],
  ],
  [
    'an unknown write is seen, overwritten, and seen again',
    [
      [1, 0, write('a'), unknown],
      [2, 3, read, shown('a')],
      [4, 5, write('b'), ok],
      [6, 7, read, shown('a')],
    ],
  ],
  [
    'two readers see two writes in two orders',
    [
      [1, 8, write('a'), ok],
      [2, 7, write('b'), ok],
      [3, 4, read, shown('a')],
      [5, 6, read, shown('b')],
      [9, 10, read, shown('a')],
    ],
  ],
];

describe('the search for an order of one register', () => {
  it.each(LEGAL)('calls it legal: %s', (_, rows) => {
    expect(searchRegister(history(rows)).type).toBe('legal');
    expect(isLinearizable(history(rows))).toBe(true);
  });

  it.each(ILLEGAL)('calls it illegal: %s', (_, rows) => {
    const verdict = searchRegister(history(rows));
    expect(verdict.type).toBe('illegal');
    expect(verdict).toHaveProperty('detail', expect.stringMatching(/can be next|nobody may have written/));
    expect(isLinearizable(history(rows))).toBe(false);
  });

  it('starts from what is there', () => {
    const rows = history([[1, 2, read, shown('a')]]);
    expect(searchRegister(rows, { initial: 'a' }).type).toBe('legal');
    expect(searchRegister(rows, { initial: 'b' }).type).toBe('illegal');
  });

  it('takes intervals that share a moment for concurrent', () => {
    expect(
      searchRegister(
        history([
          [1, 2, write('a'), ok],
          [2, 3, read, shown()],
        ]),
      ).type,
    ).toBe('legal');
  });

  it('agrees with the definition on tiny histories', () => {
    const counts = { legal: 0, illegal: 0 };
    for (let seed = 1; seed <= 6_000; seed += 1) {
      const operations = drawHistory(seed, tinyShape(seed));
      const verdict = searchRegister(operations).type;
      expect([seed, verdict]).toEqual([seed, isLinearizable(operations) ? 'legal' : 'illegal']);
      if (verdict !== 'undecided') counts[verdict] += 1;
    }
    expect(Math.min(counts.legal, counts.illegal)).toBeGreaterThan(1_000);
  });

  it('never calls a history of a real register illegal, and finds the lie in most long ones', () => {
    let found = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const shape = {
        clients: 10,
        operations: 300,
        unknownChance: 0.12,
        values: 0,
        lies: 0,
        refusalsTell: true,
      };
      expect([seed, searchRegister(drawHistory(seed, shape)).type]).toEqual([seed, 'legal']);
      if (searchRegister(drawHistory(seed, { ...shape, lies: 3 })).type === 'illegal') found += 1;
    }
    expect(found).toBeGreaterThan(30);
  });

  it('says that it is undecided, and never legal, when it has to give up', () => {
    const operations = drawHistory(1, {
      clients: 20,
      operations: 200,
      unknownChance: 0.1,
      values: 3,
      lies: 0,
      refusalsTell: false,
    });
    expect(searchRegister(operations, { maxSteps: 3 }).type).toBe('undecided');
  });

  it('finds what is illegal in a window when the whole is too much', () => {
    const maxSteps = 3_000;
    const shape = { clients: 20, operations: 1_000, unknownChance: 0.13, values: 3, lies: 0 };
    const noise = drawHistory(1, { ...shape, refusalsTell: false });
    expect(searchRegister(noise, { maxSteps }).type).toBe('undecided');
    const end = noise.reduce((latest, { calledAt }) => Math.max(latest, calledAt), 0) + 1_000;
    const lie = history([
      [end + 1, end + 2, write('x'), ok],
      [end + 3, end + 4, write('y'), ok],
      [end + 5, end + 6, read, shown('x')],
    ]);
    expect(searchRegister([...noise, ...lie], { maxSteps }).type).toBe('illegal');
  });

  it.each([
    [5, 0],
    [10, 0.13],
    [20, 0.14],
    [40, 0.15],
  ])('decides 2,000 operations of %i clients with a share of %f unknown', (clients, unknownChance) => {
    const shape = { clients, operations: 2_000, unknownChance, values: 0, lies: 0, refusalsTell: true };
    const operations = drawHistory(7, shape);
    const startMs = performance.now();
    const verdict = searchRegister(operations);
    console.log(
      `${clients} clients, ${unknownChance} unknown: ${verdict.steps} steps, ${Math.round(performance.now() - startMs)} ms`,
    );
    expect(verdict.type).toBe('legal');
  });
});

function tinyShape(seed: number): HistoryShape {
  return {
    clients: 1 + (seed % 4),
    operations: 3 + (seed % 5),
    unknownChance: (seed % 3) * 0.25,
    values: 1 + (seed % 3),
    lies: seed % 3,
    refusalsTell: seed % 2 === 0,
  };
}
