import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { context, dot } from '../../core/causality/sample-records.ts';
import {
  checkConverged,
  checkDurable,
  checkHandedOver,
  checkHintServed,
  checkNotStray,
  checkReplicaGrew,
  checkRestartChangedNothing,
  type DurableCopy,
} from './replicas.ts';

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
  const acknowledged = { key: 'key', dot: dot('a', 2), w: 2, homes: ['n1', 'n2', 'n3'] };
  const copy = (record: KeyRecord | undefined, ...hintsFor: readonly string[]): DurableCopy => ({
    record,
    hintsFor,
  });

  it.each([
    [
      'home replicas, under its own dot or superseded',
      [copy(recordUpTo(2)), copy(undefined), copy(recordUpTo(7))],
    ],
    [
      'a home replica and a fallback with a hint for another',
      [copy(recordUpTo(2)), copy(recordUpTo(1)), copy(undefined), copy(recordUpTo(2), 'n2')],
    ],
    [
      'two fallbacks, one of which can stand in for one home replica only',
      [
        copy(undefined),
        copy(undefined),
        copy(undefined),
        copy(recordUpTo(2), 'n1', 'n2'),
        copy(recordUpTo(2), 'n1'),
      ],
    ],
  ])('is on W disks: %s', (_, copies) => {
    const durable = new Map(copies.map((each, index) => [`n${index + 1}`, each]));
    expect(checkDurable(acknowledged, durable)).toEqual([]);
  });

  it.each([
    ['nowhere', 'no disk', []],
    ['on one', 'only n1', [copy(recordUpTo(2))]],
    ['on one, and an older record on another', 'only n1', [copy(recordUpTo(2)), copy(recordUpTo(1))]],
    [
      'on a fallback without a hint',
      'only n1, n4',
      [copy(recordUpTo(2)), copy(undefined), copy(undefined), copy(recordUpTo(2))],
    ],
    [
      'on a fallback with a hint for who has it',
      'only n1, n4',
      [copy(recordUpTo(2)), copy(undefined), copy(undefined), copy(recordUpTo(2), 'n1')],
    ],
    [
      'on two fallbacks for one home replica',
      'only n4, n5',
      [
        copy(undefined),
        copy(undefined),
        copy(undefined),
        copy(recordUpTo(2), 'n1'),
        copy(recordUpTo(2), 'n1'),
      ],
    ],
  ])('is not durable %s', (_, who, copies) => {
    const durable = new Map(copies.map((each, index) => [`n${index + 1}`, each]));
    const [violation] = checkDurable(acknowledged, durable);
    expect(violation?.invariant).toBe('acknowledged-before-durable');
    expect(violation?.detail).toContain(who);
  });
});

describe('a hint', () => {
  const where = { node: 'n4', owner: 'n1', key: 'key' };

  it.each([
    ['its owner holds what was kept', recordUpTo(2), recordUpTo(2)],
    ['its owner holds more', recordUpTo(2), recordUpTo(3)],
    ['nothing was kept', undefined, undefined],
  ])('may go if %s', (_, kept, owned) => {
    expect(checkHintServed(where, kept, owned)).toEqual([]);
  });

  it.each([
    ['holds nothing', undefined],
    ['holds less', recordUpTo(1)],
    ['holds something else', recordUpTo(9, 'b')],
  ])('goes too early if its owner %s', (_, owned) => {
    expect(checkHintServed(where, recordUpTo(2), owned)[0]?.invariant).toBe('hint-dropped-early');
  });
});

describe('a stored record', () => {
  it.each([
    ['n1', []],
    ['n4', ['n2']],
  ])('on %s is where it belongs, or kept for one of those', (node, hintsFor) => {
    expect(checkNotStray({ node, key: 'key' }, ['n1', 'n2', 'n3'], hintsFor)).toEqual([]);
  });

  it.each([[[]], [['n5']]])('is astray elsewhere, with hints for %j', (hintsFor) => {
    const [violation] = checkNotStray({ node: 'n4', key: 'key' }, ['n1', 'n2', 'n3'], hintsFor);
    expect(violation?.invariant).toBe('stray-record');
  });
});

describe('what was kept for others', () => {
  it('is gone in the end', () => {
    expect(checkHandedOver('n4', { hints: 0, records: [] })).toEqual([]);
  });

  it.each([
    ['a hint', { hints: 1, records: [] }],
    ['a record', { hints: 0, records: ['key'] }],
  ])('is not gone if there is %s', (_, held) => {
    expect(checkHandedOver('n4', held)[0]?.invariant).toBe('handed-over');
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
