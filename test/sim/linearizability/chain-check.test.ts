import { describe, expect, it } from 'vitest';
import { Stream } from '../world/draw.ts';
import { isLinearizable } from './brute-force.ts';
import { type ChainOperation, checkChain, INITIAL_TOKEN } from './chain-check.ts';
import type { RegisterOperation } from './register-history.ts';

type Row = readonly [calledAt: number, returnedAt: number, ...what: What];
type What =
  | readonly ['write', expected: string, token: string]
  | readonly ['read', token: string]
  | readonly ['refused', expected: string];

const INITIAL = INITIAL_TOKEN;
const NEVER = Infinity;

function history(rows: readonly Row[]): readonly ChainOperation[] {
  return rows.map(([calledAt, returnedAt, ...what], index) => {
    const interval = { id: index + 1, calledAt, returnedAt };
    switch (what[0]) {
      case 'write':
        return { ...interval, type: 'write', expected: what[1], token: what[2] };
      case 'read':
        return { ...interval, type: 'read', token: what[1] };
      case 'refused':
        return { ...interval, type: 'refused', expected: what[1] };
    }
  });
}

const LEGAL: readonly (readonly [string, readonly Row[]])[] = [
  ['nothing happened', []],
  [
    'a chain in its order',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 4, 'write', 'a', 'b'],
      [5, 6, 'read', 'b'],
    ],
  ],
  [
    'a chain of overlapping writes',
    [
      [1, 9, 'write', INITIAL, 'a'],
      [2, 8, 'write', 'a', 'b'],
      [3, 7, 'write', 'b', 'c'],
    ],
  ],
  [
    'a read that overlaps a write sees what was before',
    [
      [1, 5, 'write', INITIAL, 'a'],
      [2, 3, 'read', INITIAL],
    ],
  ],
  [
    'an unknown write that is seen',
    [
      [1, NEVER, 'write', INITIAL, 'a'],
      [2, 3, 'read', INITIAL],
      [4, 5, 'read', 'a'],
    ],
  ],
  [
    'an unknown write that is built upon',
    [
      [1, NEVER, 'write', INITIAL, 'a'],
      [2, 3, 'write', 'a', 'b'],
    ],
  ],
  [
    'two unknown writes of which one won',
    [
      [1, NEVER, 'write', INITIAL, 'a'],
      [2, NEVER, 'write', INITIAL, 'b'],
      [3, 4, 'read', 'b'],
    ],
  ],
  [
    'a refusal by what had come before',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 4, 'refused', INITIAL],
    ],
  ],
  [
    'a refusal by what comes meanwhile',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 6, 'refused', 'a'],
      [4, 5, 'write', 'a', 'b'],
    ],
  ],
  [
    'a refusal before what it expects is there',
    [
      [1, 6, 'write', INITIAL, 'a'],
      [2, 3, 'refused', 'a'],
    ],
  ],
  [
    'a refusal by an unknown write that nobody saw',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, NEVER, 'write', 'a', 'b'],
      [4, 5, 'refused', 'a'],
    ],
  ],
];

const ILLEGAL: readonly (readonly [string, string, readonly Row[]])[] = [
  ['a token that nobody wrote', 'nobody may have written it', [[1, 2, 'read', 'x']]],
  [
    'what was refused is seen',
    'nobody may have written it',
    [
      [1, 2, 'refused', INITIAL],
      [3, 4, 'read', 'a'],
    ],
  ],
  [
    'two winners',
    'both took the place',
    [
      [1, 4, 'write', INITIAL, 'a'],
      [2, 3, 'write', INITIAL, 'b'],
    ],
  ],
  [
    'an unknown winner that was seen beside another',
    'both took the place',
    [
      [1, NEVER, 'write', INITIAL, 'a'],
      [2, 3, 'write', INITIAL, 'b'],
      [4, 5, 'read', 'a'],
    ],
  ],
  ['a write on top of what nobody wrote', 'nobody may have written it', [[1, 2, 'write', 'x', 'a']]],
  [
    'a circle',
    'no chain of writes',
    [
      [1, 4, 'write', 'b', 'a'],
      [2, 3, 'write', 'a', 'b'],
    ],
  ],
  [
    'a read goes back',
    'comes after it',
    [
      [1, 8, 'write', INITIAL, 'a'],
      [2, 3, 'read', 'a'],
      [4, 5, 'read', INITIAL],
    ],
  ],
  [
    'a read of what was overwritten',
    'comes after it',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 4, 'write', 'a', 'b'],
      [5, 6, 'read', 'a'],
    ],
  ],
  [
    'a read before the write was called',
    'comes after it',
    [
      [1, 2, 'read', 'a'],
      [3, 4, 'write', INITIAL, 'a'],
    ],
  ],
  [
    'a write on top of one that was called later',
    'comes after it',
    [
      [1, 2, 'write', 'a', 'b'],
      [3, 4, 'write', INITIAL, 'a'],
    ],
  ],
  [
    'a refusal while what it expects is there',
    'was there all the time',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 4, 'refused', 'a'],
    ],
  ],
  [
    'a refusal before the next one is called',
    'was there all the time',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 4, 'refused', 'a'],
      [5, 6, 'write', 'a', 'b'],
    ],
  ],
  [
    'a refusal between two reads of what it expects',
    'was there all the time',
    [
      [1, 2, 'write', INITIAL, 'a'],
      [3, 10, 'write', 'a', 'b'],
      [4, 5, 'refused', 'a'],
      [6, 7, 'read', 'a'],
    ],
  ],
];

describe('the chain of one key', () => {
  it.each(LEGAL)('is linearizable: %s', (_, rows) => {
    expect(checkChain('key', history(rows))).toEqual([]);
    expect(isLinearizable(asRegister(history(rows)))).toBe(true);
  });

  it.each(ILLEGAL)('is not linearizable: %s', (_, detail, rows) => {
    const [violation] = checkChain('key', history(rows));
    expect(violation?.detail).toContain(detail);
    expect(violation?.invariant).toBe(detail === 'both took the place' ? 'two-winners' : 'not-linearizable');
    expect(isLinearizable(asRegister(history(rows)))).toBe(false);
  });

  it('takes intervals that share a moment for concurrent', () => {
    expect(
      checkChain(
        'key',
        history([
          [1, 2, 'write', INITIAL, 'a'],
          [2, 3, 'read', INITIAL],
        ]),
      ),
    ).toEqual([]);
  });

  it('agrees with the definition on tiny histories, but for refusals past the end of the chain', () => {
    const counts = { legal: 0, illegal: 0, 'benefit of the doubt': 0 };
    for (let seed = 1; seed <= 8_000; seed += 1) {
      const shape = { clients: 1 + (seed % 4), operations: 2 + (seed % 6), lies: seed % 3 };
      const operations = drawChain(seed, shape);
      const verdict = checkChain('key', operations).length === 0 ? 'legal' : 'illegal';
      const truth = isLinearizable(asRegister(operations)) ? 'legal' : 'illegal';
      if (verdict === truth) counts[verdict] += 1;
      else {
        expect([seed, verdict]).toEqual([seed, 'legal']);
        expect(operations.some(({ type }) => type === 'refused')).toBe(true);
        counts['benefit of the doubt'] += 1;
      }
    }
    expect(Math.min(counts.legal, counts.illegal)).toBeGreaterThan(1_000);
    expect(counts['benefit of the doubt']).toBeLessThan(20);
  });

  it('is quick on long histories', () => {
    const operations = drawChain(1, { clients: 20, operations: 20_000, lies: 0 });
    const startMs = performance.now();
    expect(checkChain('key', operations)).toEqual([]);
    console.log(`20,000 operations in ${Math.round(performance.now() - startMs)} ms`);
  });
});

/** The same history in the terms of the general definition. */
function asRegister(operations: readonly ChainOperation[]): readonly RegisterOperation[] {
  return operations.map((operation) => {
    const { id, calledAt, returnedAt } = operation;
    const interval = { id, calledAt, returnedAt };
    if (operation.type === 'read')
      return {
        ...interval,
        request: { type: 'read' },
        outcome: { type: 'read', state: operation.token || undefined },
      };
    const value = operation.type === 'write' ? operation.token : 'refused';
    const { expected } = operation;
    const request =
      expected === INITIAL ? { type: 'create' as const, value } : { type: 'cas' as const, expected, value };
    if (operation.type === 'refused') return { ...interval, request, outcome: { type: 'refused' } };
    return { ...interval, request, outcome: { type: returnedAt === NEVER ? 'unknown' : 'ok' } };
  });
}

interface ChainShape {
  readonly clients: number;
  readonly operations: number;
  readonly lies: number;
}

/** A history of a real register whose clients expect what they saw last, with some answers changed. */
function drawChain(seed: number, { clients, operations, lies }: ChainShape): readonly ChainOperation[] {
  const stream = new Stream(seed, 'chain');
  const done: ChainOperation[] = [];
  const running = new Map<number, { operation: ChainOperation; isDone: boolean }>();
  const lastSeen = new Map<number, string>();
  let [current, order, begun] = [INITIAL, 0, 0];
  while (begun < operations || running.size > 0) {
    const client = stream.integer(0, clients - 1);
    const open = running.get(client);
    order += 1;
    if (open === undefined) {
      if (begun === operations) continue;
      begun += 1;
      const interval = { id: begun, calledAt: order, returnedAt: NEVER };
      const expected = stream.chance(0.6) ? current : (lastSeen.get(client) ?? INITIAL);
      const operation: ChainOperation = stream.chance(0.4)
        ? { ...interval, type: 'read', token: '' }
        : { ...interval, type: 'write', expected, token: `t${begun}` };
      running.set(client, { operation, isDone: false });
    } else if (!open.isDone) {
      const { operation } = open;
      open.isDone = true;
      if (operation.type === 'read') open.operation = { ...operation, token: current };
      else if (operation.type === 'write' && operation.expected === current) current = operation.token;
      else if (operation.type === 'write') {
        const { id, calledAt, returnedAt, expected } = operation;
        open.operation = stream.chance(0.5)
          ? { id, calledAt, returnedAt, type: 'refused', expected }
          : { id, calledAt, returnedAt, type: 'read', token: current };
      }
    } else {
      running.delete(client);
      const { operation } = open;
      if (operation.type !== 'refused') lastSeen.set(client, operation.token);
      done.push(
        operation.type === 'write' && stream.chance(0.2) ? operation : { ...operation, returnedAt: order },
      );
    }
  }
  for (let lie = 0; lie < lies; lie += 1) {
    const index = stream.integer(0, done.length - 1);
    done[index] = liedAbout(stream, done[index] as ChainOperation, operations, order);
  }
  return done;
}

/** Another token than was read, or a refusal of what was carried out. */
function liedAbout(stream: Stream, operation: ChainOperation, tokens: number, end: number): ChainOperation {
  if (operation.type === 'read')
    return { ...operation, token: stream.chance(0.2) ? INITIAL : `t${stream.integer(1, tokens)}` };
  if (operation.type === 'refused' || stream.chance(0.5)) return operation;
  const { id, calledAt, expected } = operation;
  return { id, calledAt, returnedAt: Math.min(operation.returnedAt, end), type: 'refused', expected };
}
