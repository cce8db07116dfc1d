import { describe, expect, it } from 'vitest';
import { Stream } from '../world/draw.ts';
import {
  type ObjectOperation,
  type ObjectRequest,
  type ObjectState,
  stateOf,
  statesAfter,
} from './object-history.ts';
import { searchObject } from './object-search.ts';

const FOREVER = Number.POSITIVE_INFINITY;

type Timed = readonly [calledAt: number, returnedAt: number];

function read([calledAt, returnedAt]: Timed, state: ObjectState): ObjectOperation {
  return { id: calledAt, calledAt, returnedAt, request: { type: 'read' }, outcome: { type: 'shown', state } };
}

function done([calledAt, returnedAt]: Timed, request: ObjectRequest): ObjectOperation {
  const type = returnedAt === FOREVER ? 'unknown' : 'ok';
  return { id: calledAt, calledAt, returnedAt, request, outcome: { type } };
}

function refused([calledAt, returnedAt]: Timed, request: ObjectRequest, state: ObjectState): ObjectOperation {
  return { id: calledAt, calledAt, returnedAt, request, outcome: { type: 'shown', state } };
}

function plain(event: string, ...replaces: readonly string[]): ObjectRequest {
  return { type: 'plain', event, replaces: new Set(replaces) };
}

function replace(expected: ObjectState, event: string): ObjectRequest {
  return { type: 'replace', expected, event };
}

const create = (event: string): ObjectRequest => ({ type: 'create', event });

function verdictOf(...operations: readonly ObjectOperation[]): string {
  return searchObject(operations).type;
}

describe('a history of one key is legal if', () => {
  it.each<readonly [string, readonly ObjectOperation[]]>([
    ['nothing happened', []],
    ['a create is read', [done([1, 2], create('1')), read([3, 4], '1')]],
    [
      'plain writes join what a conditional one made',
      [done([1, 2], create('1')), done([3, 4], plain('2')), read([5, 6], '1 2')],
    ],
    [
      'a conditional write takes the place of all siblings',
      [
        done([1, 2], plain('1')),
        done([3, 4], plain('2')),
        done([5, 6], replace('1 2', '3')),
        read([7, 8], '3'),
      ],
    ],
    [
      'an unknown write takes effect late',
      [done([1, FOREVER], plain('1')), read([2, 3], ''), read([4, 5], ''), read([6, 7], '1')],
    ],
    [
      'an unknown write never takes effect',
      [done([1, FOREVER], create('1')), read([2, 3], ''), read([4, 5], '')],
    ],
    [
      'a create finds that an unknown deletion has taken effect',
      [
        done([1, 2], create('1')),
        done([3, FOREVER], replace('1', '-2')),
        done([4, 5], create('3')),
        read([6, 7], '3'),
      ],
    ],
    [
      'an unknown plain deletion made room for a create',
      [done([1, 2], plain('1')), done([3, FOREVER], plain('-2', '1')), done([4, 5], create('3'))],
    ],
    [
      'what an unknown write put in place of another one is deleted before anybody is shown it, so a create finds nothing live',
      [
        done([1, 2], plain('1')),
        done([3, FOREVER], plain('2', '1')),
        done([4, FOREVER], plain('-3', '2')),
        done([5, 6], create('4')),
      ],
    ],
    [
      'the same after a conditional write',
      [
        done([1, 2], plain('1')),
        done([3, FOREVER], replace('1', '2')),
        done([4, FOREVER], plain('5', '2')),
        done([5, FOREVER], plain('-3', '5')),
        done([6, 7], create('4')),
      ],
    ],
    [
      'what is deleted before anybody is shown it, so that a create finds nothing live, was there before a write that returns long before',
      [
        done([1, FOREVER], create('1')),
        done([2, 5], plain('2')),
        done([3, FOREVER], replace('1 2', '-3')),
        done([6, 7], create('4')),
      ],
    ],
    [
      'an unknown write comes before what it would have taken the place of',
      [
        done([1, FOREVER], plain('1', '2')),
        done([2, 3], plain('2')),
        done([4, FOREVER], replace('1 2', '3')),
        read([5, 6], '3'),
      ],
    ],
    [
      'unknown writes lead to one another',
      [done([1, FOREVER], create('1')), done([2, FOREVER], replace('1', '2')), read([3, 4], '2')],
    ],
    [
      'writes that overlap take effect in the other order',
      [done([1, 6], create('1')), done([2, 5], plain('2')), refused([3, 4], create('3'), '1')],
    ],
  ])('%s', (_, operations) => {
    expect(verdictOf(...operations)).toBe('legal');
  });
});

describe('a history of one key is illegal if', () => {
  it.each<readonly [string, readonly ObjectOperation[]]>([
    ['an acknowledged write is not read', [done([1, 2], create('1')), read([3, 4], '')]],
    [
      'an acknowledged plain write is not read',
      [done([1, 2], plain('1')), done([3, 4], plain('2')), read([5, 6], '2')],
    ],
    [
      'two writes replace the same',
      [done([1, 2], create('1')), done([3, 6], replace('1', '2')), done([4, 5], replace('1', '3'))],
    ],
    [
      'what was replaced comes back',
      [done([1, 2], create('1')), done([3, 4], replace('1', '2')), read([5, 6], '2'), read([7, 8], '1')],
    ],
    [
      'an unknown write comes and goes',
      [done([1, FOREVER], plain('1')), read([2, 3], '1'), read([4, 5], '')],
    ],
    [
      'a refusal shows what was asked for',
      [done([1, 2], create('1')), refused([3, 4], replace('1', '2'), '1')],
    ],
    ['a create succeeds beside a live value', [done([1, 2], plain('1')), done([3, 4], create('2'))]],
    ['a read shows a value before it is written', [read([1, 2], '1'), done([3, 4], create('1'))]],
    [
      'a write happens twice',
      [
        done([1, 2], create('1')),
        done([3, 4], replace('1', '-2')),
        done([5, 6], create('3')),
        read([7, 8], '1'),
      ],
    ],
    [
      'a replaced plain write is lost without its replacement',
      [done([1, 2], plain('1')), done([3, FOREVER], replace('1', '2')), read([4, 5], '')],
    ],
  ])('%s', (_, operations) => {
    expect(verdictOf(...operations)).toBe('illegal');
  });
});

it('deletions are forgotten where that is said, and live values never', () => {
  const deleted = [done([1, 2], create('1')), done([3, 4], replace('1', '-2'))];
  const later = [...deleted, done([5, 6], plain('3')), read([7, 8], '3')];
  expect(searchObject(later).type).toBe('illegal');
  expect(searchObject(later, { mayForget: true }).type).toBe('legal');
  expect(searchObject([...deleted, read([5, 6], '')], { mayForget: true }).type).toBe('legal');
  const unknown = [done([1, 2], create('1')), done([3, FOREVER], replace('1', '-2')), read([5, 6], '')];
  expect(searchObject(unknown).type).toBe('illegal');
  expect(searchObject(unknown, { mayForget: true }).type).toBe('legal');
  const unseen = [
    done([1, 2], create('1')),
    done([3, FOREVER], plain('2', '1')),
    done([4, FOREVER], plain('-3', '2')),
    read([5, 6], ''),
  ];
  expect(searchObject(unseen).type).toBe('illegal');
  expect(searchObject(unseen, { mayForget: true }).type).toBe('legal');
  // One node has forgotten it, and another one has not.
  const again = [...deleted, read([5, 6], ''), read([7, 8], '-2'), refused([9, 10], replace('-2', '3'), '')];
  expect(searchObject(again, { mayForget: true }).type).toBe('legal');
  expect(searchObject([done([1, 2], create('1')), read([5, 6], '')], { mayForget: true }).type).toBe(
    'illegal',
  );
});

it('is decided soon, however many unknown writes come to light at once, before a replacement and after it', () => {
  const names = Array.from({ length: 60 }, (_, index) => `${100 + index}`);
  const before = names.filter((_, index) => index % 2 === 1);
  const after = names.filter((_, index) => index % 2 === 0);
  const operations = [
    ...names.map((event, index) => done([index / 100, FOREVER], plain(event))),
    read([10, 20], stateOf(before)),
    done([11, 30], replace(stateOf(before), '1')),
    read([12, 40], stateOf(['1', ...after])),
    read([50, 60], stateOf(['1', ...after])),
  ];
  expect(searchObject(operations, { maxSteps: 5_000 }).type).toBe('legal');
  const last = read([70, 80], stateOf(['1', ...after.slice(1)]));
  expect(searchObject([...operations, last], { maxSteps: 5_000 }).type).toBe('illegal');
});

it('is decided soon where an unknown replacement has to come before plain writes that take the place of the same', () => {
  const names = Array.from({ length: 40 }, (_, index) => `${100 + index}`);
  const operations = [
    done([1, 2], create('1')),
    ...names.map((event, index) => done([3 + index / 100, FOREVER], plain(event, '1'))),
    done([4, FOREVER], replace('1', '2')),
    read([10, 20], stateOf(['2', ...names])),
  ];
  expect(searchObject(operations, { maxSteps: 5_000 }).type).toBe('legal');
});

it('is decided soon where one that comes late must not be shown yet, and nothing that is called in time removes it', () => {
  const crowd = Array.from({ length: 30 }, (_, index) => `${100 + index}`);
  const late = ['201', '202', '203', '204'];
  const operations = [
    done([1, 2], create('1')),
    ...crowd.map((event, index) =>
      done([3 + index / 100, index % 2 === 0 ? FOREVER : 35], plain(event, '1')),
    ),
    done([4, FOREVER], create('301')),
    done([5, FOREVER], replace('401', '302')),
    read([6, 40], stateOf(crowd)),
    ...late.map((event, index) => done([30 + index / 100, 41], plain(event))),
    done([30.5, 39], plain('205')),
    read([7, 60], stateOf([...crowd, ...late, '205'])),
  ];
  expect(searchObject(operations, { maxSteps: 2_000 }).type).toBe('legal');
});

describe('is decided soon where what returns first comes after a read that shows only what returns later', () => {
  const named = (first: number, count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => `${first + index}`);
  const soon = (events: readonly string[]): readonly ObjectOperation[] =>
    events.map((event, index) => done([3 + index / 100, 31 + index / 100], plain(event)));
  const late = (events: readonly string[], ...replaces: readonly string[]): readonly ObjectOperation[] =>
    events.map((event, index) => done([4 + index / 100, 50 + index / 100], plain(event, ...replaces)));

  it('and what takes the place of the first would take that of what is there and is read', () => {
    const [first, shown] = [named(200, 15), named(100, 4)];
    const operations = [
      done([1, 2], create('1')),
      ...soon(first),
      ...late(shown),
      read([30, 60], stateOf(['1', ...shown])),
      done([45, 80], plain('2', '1', ...shown, ...first)),
      read([90, 100], '2'),
    ];
    expect(searchObject(operations, { maxSteps: 1_000 }).type).toBe('legal');
  });

  function partAndWhole(part: readonly string[], rest: readonly string[]): readonly ObjectOperation[] {
    return [
      done([1, 2], create('1')),
      ...soon(rest),
      ...late(part, '1'),
      read([30, 60], stateOf(part)),
      read([40, 70], stateOf([...part, ...rest])),
      done([45, 80], plain('2', ...part, ...rest)),
      read([90, 100], '2'),
    ];
  }

  it('and what takes the place of the first would take that of what another read shows together with it', () => {
    const operations = partAndWhole(named(100, 12), named(200, 15));
    expect(searchObject(operations, { maxSteps: 1_000 }).type).toBe('legal');
    const few = [...partAndWhole(named(100, 3), named(200, 6)), read([110, 120], '2 200')];
    expect(searchObject(few, { maxSteps: 1_000 }).type).toBe('illegal');
  });
});

it('is decided soon where a conditional write has to come before what is found beside it, and that returns long before', () => {
  const crowd = Array.from({ length: 20 }, (_, index) => `${100 + index}`);
  const start = [done([1, 2], create('1')), done([3, 4], plain('-2', '1'))];
  const writes = crowd.map((event, index) => done([6 + index / 100, 20 + index / 100], plain(event)));
  const seen = [read([50, 60], stateOf(['3', ...crowd])), read([70, 80], stateOf(['3', ...crowd, '5']))];
  const later = [...writes, ...seen, done([55, 75], plain('5'))];
  for (const returnedAt of [FOREVER, 90]) {
    const operations = [...start, done([5, returnedAt], create('3')), ...later];
    expect(searchObject(operations, { maxSteps: 200 }).type).toBe('legal');
    const tooLate = [...start, done([40, returnedAt], create('3')), ...later];
    expect(searchObject(tooLate, { maxSteps: 200 }).type).toBe('illegal');
  }
});

describe('is decided soon where what cannot be comes after many known plain writes at once', () => {
  const crowd = Array.from({ length: 20 }, (_, index) => `${100 + index}`);
  const writes = [
    done([1, 2], create('1')),
    ...crowd.map((event, index) => done([3 + index / 100, 40 - index / 100], plain(event))),
    done([4, FOREVER], create('2')),
    done([5, FOREVER], replace('1 9', '3')),
    done([6, FOREVER], plain('9')),
  ];

  it.each<readonly [string, readonly ObjectOperation[]]>([
    ['and nobody is shown any of them before', []],
    ['and a read shows a part of them', [read([7, 50], stateOf(['1', ...crowd.slice(0, 10)]))]],
  ])('%s', (_, reads) => {
    const legal = [...writes, ...reads, read([90, 100], stateOf(['1', ...crowd]))];
    expect(searchObject(legal, { maxSteps: 200 }).type).toBe('legal');
    const illegal = [...legal, read([110, 120], stateOf(['1', ...crowd.slice(1)]))];
    expect(searchObject(illegal, { maxSteps: 200 }).type).toBe('illegal');
  });
});

it('is decided soon where a create that returns late has to find nothing live, and much was called before', () => {
  const crowd = Array.from({ length: 30 }, (_, index) => `${100 + index}`);
  const operations = [
    done([1, 2], create('1')),
    ...crowd.map((event, index) => done([3 + index / 100, index % 2 === 0 ? FOREVER : 50], plain(event))),
    done([4, 20], plain('-2', '1')),
    done([5, 60], create('3')),
    read([6, 70], stateOf(['3', ...crowd])),
  ];
  expect(searchObject(operations, { maxSteps: 2_000 }).type).toBe('legal');
});

it('is decided soon, however many unknown deletions there are of what has gone before a create', () => {
  const deletions = Array.from({ length: 20 }, (_, index) => `-${100 + index}`);
  const operations = [
    done([1, 2], create('1')),
    done([3, 4], replace('1', '2')),
    ...deletions.map((event, index) => done([5 + index / 100, FOREVER], plain(event, '1'))),
    done([6, 60], create('3')),
    read([7, 50], '2 4'),
    done([8, 9], plain('4')),
    done([51, 52], plain('-5', '2', '4')),
    read([61, 70], '3'),
  ];
  expect(searchObject(operations, { maxSteps: 2_000 }).type).toBe('legal');
  const wrong = read([71, 72], '3 4');
  expect(searchObject([...operations, wrong], { maxSteps: 2_000 }).type).toBe('illegal');
});

it('is decided soon, however many are shown the same at once, and deletions that one node has forgotten', () => {
  const crowd = Array.from({ length: 40 }, (_, index) =>
    read([10 + index / 100, 20 + index / 100], index % 2 === 0 ? '-2 3' : '3'),
  );
  const deleted = [done([1, 2], create('1')), done([3, 4], replace('1', '-2')), done([5, 6], plain('3'))];
  const options = { mayForget: true, maxSteps: 200 };
  expect(searchObject([...deleted, ...crowd], options).type).toBe('legal');
  expect(searchObject([...deleted, ...crowd, read([12, 40], '3 4')], options).type).toBe('illegal');
});

it('says so when it gives up', () => {
  const operations = [done([1, 2], create('1')), done([3, 4], replace('1', '2'))];
  expect(searchObject(operations, { maxSteps: 1 })).toEqual({ type: 'undecided', steps: 1 });
});

/** The definition: every order that calls and returns allow, with any of the unknown ones or without. */
function isLinearizable(operations: readonly ObjectOperation[], mayForget = false, state = ''): boolean {
  if (operations.every(({ outcome }) => outcome.type === 'unknown')) return true;
  return operations.some((operation) => {
    const others = operations.filter((other) => other !== operation);
    if (others.some(({ returnedAt }) => returnedAt < operation.calledAt)) return false;
    return statesAfter(operation, state, mayForget).some((next) => isLinearizable(others, mayForget, next));
  });
}

/** Operations that took effect in some order; then, in half of the histories, one of them says something else. */
function randomHistory(seed: number): readonly ObjectOperation[] {
  const stream = new Stream(seed, 'object-history');
  let state = '';
  const operations: ObjectOperation[] = [];
  for (let number = 1; number <= 7; number += 1) {
    const seen = stream.chance(0.8) ? state : stateOf([`${stream.integer(1, 7)}`]);
    const event = stream.chance(0.3) ? `-${number}` : `${number}`;
    const request = stream.pick<ObjectRequest>([
      { type: 'read' },
      create(`${number}`),
      replace(seen, event),
      plain(`${number}`, ...(seen === '' || stream.chance(0.5) ? [] : seen.split(' '))),
    ]);
    const middle = 10 * number;
    const interval: Timed = [middle - stream.integer(1, 25), middle + stream.integer(1, 25)];
    const ok = done(interval, request);
    const [next] = request.type === 'read' ? [] : statesAfter(ok, state, false);
    const shown = stream.chance(0.15) ? stateOf([`${stream.integer(1, 7)}`]) : state;
    if (next === undefined) {
      operations.push(refused(interval, request, shown));
      continue;
    }
    const isUnknown = stream.chance(0.35);
    const mayNot = isUnknown && stream.chance(0.5);
    if (!mayNot) state = next;
    operations.push(isUnknown ? done([interval[0], FOREVER], request) : ok);
  }
  return operations;
}

/** The same with more plain writes, that take the place of a part of what is there, and with more at once. */
function randomCrowd(seed: number): readonly ObjectOperation[] {
  const stream = new Stream(seed, 'object-history-crowd');
  let state = '';
  const operations: ObjectOperation[] = [];
  for (let number = 1; number <= 8; number += 1) {
    const there = state === '' ? [] : state.split(' ');
    const part = there.filter(() => stream.chance(0.5));
    const event = stream.chance(0.25) ? `-${number}` : `${number}`;
    const request = stream.pick<ObjectRequest>([
      { type: 'read' },
      { type: 'read' },
      plain(`${number}`),
      plain(event, ...part),
      plain(event, ...there),
      create(`${number}`),
      replace(stream.chance(0.7) ? state : stateOf(part), event),
    ]);
    const middle = 10 * number;
    const interval: Timed = [middle - stream.integer(1, 35), middle + stream.integer(1, 35)];
    const ok = done(interval, request);
    const [next] = request.type === 'read' ? [] : statesAfter(ok, state, false);
    const shown = stream.chance(0.2) ? stateOf(part) : state;
    if (next === undefined) {
      operations.push(refused(interval, request, shown));
      continue;
    }
    const isUnknown = stream.chance(0.3);
    if (!isUnknown || stream.chance(0.5)) state = next;
    operations.push(isUnknown ? done([interval[0], FOREVER], request) : ok);
  }
  return operations;
}

describe.each([
  ['histories', randomHistory, 20_000],
  ['crowds', randomCrowd, 10_000],
])('says of random %s what their definition says', (_, draw, seeds) => {
  it.each([
    ['where deletions stay', false],
    ['where deletions may be forgotten', true],
  ])('%s', (_where, mayForget) => {
    const verdicts = new Map<string, number>();
    for (let seed = 1; seed <= seeds; seed += 1) {
      const operations = draw(seed);
      const expected = isLinearizable(operations, mayForget) ? 'legal' : 'illegal';
      expect([seed, searchObject(operations, { mayForget }).type]).toEqual([seed, expected]);
      verdicts.set(expected, (verdicts.get(expected) ?? 0) + 1);
    }
    expect(verdicts.get('legal')).toBeGreaterThan(500);
    expect(verdicts.get('illegal')).toBeGreaterThan(500);
  });
});
