import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { context, dot } from '../../core/causality/sample-records.ts';
import { checkConverged, checkDurable, checkReplicaGrew, checkRestartChangedNothing } from './replicas.ts';

function recordUpTo(counter: number, actor = 'a'): KeyRecord {
  return { siblings: [], context: context({ [actor]: [counter] }), writes: [], largestN: 3 };
}

describe('a replica', () => {
  const where = { node: 'n1', key: 'key' };

  it.each([
    ['from nothing', undefined, recordUpTo(1)],
    ['by an event', recordUpTo(1), recordUpTo(2)],
    ['by none', recordUpTo(2), recordUpTo(2)],
  ])('grows %s', (_, before, after) => {
    expect(checkReplicaGrew(where, before, after)).toEqual([]);
  });

  it.each([
    ['it is less', recordUpTo(2), recordUpTo(1)],
    ['it is something else', recordUpTo(1), recordUpTo(5, 'b')],
  ])('went back if %s', (_, before, after) => {
    const [violation] = checkReplicaGrew(where, before, after);
    expect(violation?.invariant).toBe('replica-went-back');
  });
});

describe('an acknowledged write', () => {
  const acknowledged = { key: 'key', dot: dot('a', 2), w: 2 };

  it('is on W disks, under its own dot or superseded', () => {
    const durable = new Map([
      ['n1', recordUpTo(2)],
      ['n2', undefined],
      ['n3', recordUpTo(7)],
    ]);
    expect(checkDurable(acknowledged, durable)).toEqual([]);
  });

  it.each([
    ['none', 'no disk', undefined, undefined],
    ['one', 'only n1', recordUpTo(2), undefined],
    ['one, and an older record on another', 'only n1', recordUpTo(2), recordUpTo(1)],
  ])('is not durable on %s', (_, who, first, second) => {
    const [violation] = checkDurable(
      acknowledged,
      new Map([
        ['n1', first],
        ['n2', second],
        ['n3', undefined],
      ]),
    );
    expect(violation?.invariant).toBe('acknowledged-before-durable');
    expect(violation?.detail).toContain(who);
  });
});

describe('home replicas', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  it('have converged if all hold the same bytes, or all nothing', () => {
    expect(
      checkConverged(
        'key',
        new Map([
          ['n1', bytes('a')],
          ['n2', bytes('a')],
        ]),
      ),
    ).toEqual([]);
    expect(
      checkConverged(
        'key',
        new Map([
          ['n1', undefined],
          ['n2', undefined],
        ]),
      ),
    ).toEqual([]);
  });

  it.each([
    ['one differs', bytes('b')],
    ['one holds nothing', undefined],
    ['one holds no bytes', bytes('')],
  ])('have not if %s', (_, copy) => {
    const [violation] = checkConverged(
      'key',
      new Map([
        ['n1', bytes('a')],
        ['n2', copy],
      ]),
    );
    expect(violation?.invariant).toBe('convergence');
  });

  it('have not if nothing stands beside no bytes', () => {
    expect(
      checkConverged(
        'key',
        new Map([
          ['n1', undefined],
          ['n2', bytes('')],
        ]),
      ),
    ).toHaveLength(1);
  });
});

describe('a restart', () => {
  const before = new Map<string, readonly number[]>([
    ['key', [1, 2]],
    ['another', []],
  ]);

  it('changes nothing', () => {
    expect(checkRestartChangedNothing(before, new Map(before))).toEqual([]);
  });

  it.each([
    ['a value is gone', [1]],
    ['a value is back', [1, 2, 3]],
    ['the key is gone', undefined],
  ])('changed something if %s', (_, now) => {
    const after = new Map(before);
    if (now === undefined) after.delete('key');
    else after.set('key', now);
    const [violation] = checkRestartChangedNothing(before, after);
    expect(violation?.invariant).toBe('restart-changed-nothing');
  });
});
