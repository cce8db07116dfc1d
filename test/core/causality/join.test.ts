import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, covers } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot, paxosDot, sameDot } from '../../../src/core/causality/dot.ts';
import { joinRecords, supersede } from '../../../src/core/causality/join.ts';
import { type NewWrite, recordOfWrite } from '../../../src/core/causality/mint.ts';
import type {
  KeyRecord,
  RememberedWrite,
  Sibling,
  SiblingContent,
} from '../../../src/core/causality/record.ts';
import { isSameRequest } from '../../../src/core/causality/remembered-writes.ts';
import { findDotCollision } from '../../../src/core/causality/visible-siblings.ts';
import { ballot } from '../paxos/stage.ts';
import { recordTriples } from './arbitraries.ts';
import {
  context,
  describeRecord,
  dot,
  identity,
  isSorted,
  recordOf,
  textsOf,
  value,
} from './sample-records.ts';

function join(...records: readonly KeyRecord[]): KeyRecord {
  return records.reduce(joinRecords);
}

function holds({ siblings }: KeyRecord, wanted: Dot): boolean {
  return siblings.some((held) => sameDot(held.dot, wanted));
}

function hasSuperseded(record: KeyRecord, known: Dot): boolean {
  return contains(record.context, known) && !holds(record, known);
}

/** All dots of the request that made the sibling, as far as they are remembered. */
function aliasesOf(sibling: Sibling, writes: readonly RememberedWrite[]): readonly Dot[] {
  const request = writes.find((write) => sameDot(write.dot, sibling.dot));
  return request === undefined
    ? []
    : writes.filter((write) => isSameRequest(write, request)).map((write) => write.dot);
}

/** The same request as another record's only sibling made, taken by another coordinator. */
function aliasOf(name: string, text: string, id: string): KeyRecord {
  return recordOf(dot(name, 1), text, { identity: identity(id) });
}

describe('the join of records that replicas hold', () => {
  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(recordTriples, ([a, b, c]) => {
        const text = describeRecord(join(a, b, c));
        expect(describeRecord(join(c, b, a))).toBe(text);
        expect(describeRecord(joinRecords(a, joinRecords(b, c)))).toBe(text);
        expect(describeRecord(joinRecords(joinRecords(a, c), b))).toBe(text);
        expect(describeRecord(joinRecords(a, { ...a }))).toBe(describeRecord(a));
        expect(describeRecord(joinRecords(join(a, b), b))).toBe(describeRecord(join(a, b)));
      }),
      { numRuns: 1000 },
    );
  });

  it('is monotone: what was joined in changes nothing when it comes again later', () => {
    fc.assert(
      fc.property(recordTriples, ([a, b, c]) => {
        const later = join(a, b, c);
        expect(covers(later.context, a.context)).toBe(true);
        expect(later.largestN).toBeGreaterThanOrEqual(a.largestN);
        for (const earlier of [a, b, c, join(a, b), join(b, c)]) {
          expect(describeRecord(joinRecords(earlier, later))).toBe(describeRecord(later));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('drops a value only if a side had done with its dot, or with another dot of the same request', () => {
    fc.assert(
      fc.property(recordTriples, ([a, b]) => {
        const joined = joinRecords(a, b);
        for (const sibling of [...a.siblings, ...b.siblings]) {
          if (holds(joined, sibling.dot)) continue;
          const dots = [sibling.dot, ...aliasesOf(sibling, [...a.writes, ...b.writes])];
          expect(dots.some((each) => hasSuperseded(a, each) || hasSuperseded(b, each))).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('invents nothing: each sibling comes from a side, is sorted, and is known to the context', () => {
    fc.assert(
      fc.property(recordTriples, ([a, b]) => {
        const joined = joinRecords(a, b);
        expect(isSorted(joined)).toBe(true);
        for (const sibling of joined.siblings) {
          expect(holds(a, sibling.dot) || holds(b, sibling.dot)).toBe(true);
          expect(contains(joined.context, sibling.dot)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a write that has seen all of a record', () => {
  it('supersedes it as if the two were joined', () => {
    fc.assert(
      fc.property(recordTriples, fc.integer({ min: 1, max: 4 }), ([a, b, c], n) => {
        const record = { ...join(a, b, c), largestN: 2 };
        const atMs = 2 ** 40;
        const write = recordOfWrite({
          ...{ dot: paxosDot(ballot(atMs)), n, created: false, writtenAtMs: atMs, seen: record.context },
          content: { type: 'value', contentType: 'x', bytes: new Uint8Array(1) },
          identity: { id: 'no other has this', requestDigest: 'd' },
        });
        expect(describeRecord(supersede(record, write))).toBe(describeRecord(joinRecords(record, write)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a sibling', () => {
  const first = recordOf(dot('a', 1), 'first');

  it('stays beside one that had not seen it', () => {
    expect(textsOf(join(first, recordOf(dot('b', 1), 'second')))).toEqual(['first', 'second']);
  });

  it('goes for one that had seen it', () => {
    const second = recordOf(dot('b', 1), 'second', { seen: first.context });
    expect(textsOf(join(first, second))).toEqual(['second']);
  });

  it('goes for a tombstone that had seen it, and only then', () => {
    const tombstone = recordOf(dot('b', 1), '', { content: { type: 'tombstone' }, seen: first.context });
    expect(textsOf(join(first, tombstone))).toEqual(['(deleted)']);
    expect(textsOf(join(tombstone, recordOf(dot('c', 1), 'third')))).toEqual(['(deleted)', 'third']);
  });

  it('stays where the other side holds it too', () => {
    const both = join(first, recordOf(dot('b', 1), 'second'));
    expect(textsOf(join(both, first))).toEqual(['first', 'second']);
  });

  it('goes even if two sides each know only the other one as superseded', () => {
    const second = recordOf(dot('b', 1), 'second');
    const third = recordOf(dot('c', 1), 'third', { seen: first.context });
    const fourth = recordOf(dot('d', 1), 'fourth', { seen: second.context });
    expect(textsOf(join(join(first, fourth), join(second, third)))).toEqual(['third', 'fourth']);
  });

  it('is superseded below a hole in the context, and not in the hole', () => {
    const records = [1, 2, 3].map((counter) => recordOf(dot('a', counter), `write ${counter}`));
    const seen = context({ a: [1, 3, 3] });
    expect(textsOf(join(...records, recordOf(dot('b', 1), 'last', { seen })))).toEqual(['write 2', 'last']);
  });

  it('that shares its dot with other bytes is kept with it, as a collision to be counted', () => {
    const other = recordOf(dot('a', 1), 'other');
    const joined = join(first, other);
    expect(textsOf(joined)).toEqual(['first', 'other']);
    expect(findDotCollision(joined)).toBe(formatDot(dot('a', 1)));
    expect(describeRecord(join(other, first))).toBe(describeRecord(joined));
    expect(describeRecord(join(joined, first))).toBe(describeRecord(joined));
    expect(findDotCollision(join(first, recordOf(dot('a', 2), 'later')))).toBeUndefined();
  });

  const x = value('x');
  const collisions: readonly { what: string; content: SiblingContent; more?: Partial<NewWrite> }[] = [
    { what: 'a tombstone', content: { type: 'tombstone' } },
    {
      what: 'another content type',
      content: { type: 'value', contentType: 'a/b', bytes: Uint8Array.of(120) },
    },
    { what: 'a longer value', content: value('xy') },
    { what: 'the same at another time', content: x, more: { writtenAtMs: 2 } },
    { what: 'the same with a write id', content: x, more: { identity: identity('id') } },
  ];
  it.each(collisions)('collides with $what in an order that does not depend on the side', (collision) => {
    const one = recordOf(dot('a', 1), '', { content: x });
    const two = recordOf(dot('a', 1), '', { content: collision.content, ...collision.more });
    const joined = join(one, two);
    expect(joined.siblings).toHaveLength(2);
    expect(describeRecord(join(two, one))).toBe(describeRecord(joined));
  });
});

describe('aliases, the dots of one retried request,', () => {
  const first = aliasOf('a', 'retried', 'id');
  const second = aliasOf('b', 'retried', 'id');
  const after = recordOf(dot('c', 1), 'after', { seen: first.context });

  it('live together', () => {
    expect(join(first, second).siblings).toHaveLength(2);
  });

  it('die together when a write has seen one of them', () => {
    expect(textsOf(join(first, second, after))).toEqual(['after']);
    expect(textsOf(join(first, after, second))).toEqual(['after']);
    expect(textsOf(join(second, join(first, after)))).toEqual(['after']);
    expect(textsOf(join(second, after, first))).toEqual(['after']);
  });

  it('live on both if they were not retries, but writes with different bytes', () => {
    const other = recordOf(dot('b', 1), 'other', { identity: { id: 'id', requestDigest: 'e'.repeat(16) } });
    expect(textsOf(join(first, other, after))).toEqual(['other', 'after']);
  });

  it('do not take along a repeat by a client that had read the first one', () => {
    const repeat = recordOf(dot('b', 1), 'retried', { identity: identity('id'), seen: first.context });
    expect(textsOf(join(first, repeat))).toEqual(['retried']);
    expect(join(first, repeat).siblings[0]?.dot).toEqual(dot('b', 1));
    expect(textsOf(join(repeat, first, after))).toEqual(['retried', 'after']);
  });

  it('say nothing about writes without an id', () => {
    const plain = recordOf(dot('b', 1), 'retried');
    expect(textsOf(join(first, plain, after))).toEqual(['retried', 'after']);
  });
});

describe('a joined record', () => {
  it('carries the largest N of the two', () => {
    const [small, large] = [recordOf(dot('a', 1), 'x', { n: 2 }), recordOf(dot('b', 1), 'y', { n: 5 })];
    expect(join(small, large).largestN).toBe(5);
    expect(join(large, small).largestN).toBe(5);
  });

  it('is the same object where nothing was joined in', () => {
    const record = recordOfWrite({
      dot: dot('a', 1),
      content: value('x'),
      seen: undefined,
      writtenAtMs: 1,
      identity: undefined,
      n: 1,
      created: true,
    });
    expect(joinRecords(record, record)).toBe(record);
  });
});
