import { describe, expect, it } from 'vitest';
import {
  checkAppends,
  checkCounter,
  checkCreateRace,
  checkEtag,
  checkLock,
  checkRefusals,
  judgeLinearizable,
} from './conditional.ts';
import { History, type WriteCondition, type WriteEvent, type WriteOutcome } from './history.ts';

const KEY = 'key';
const CREATE: WriteCondition = { type: 'create' };

interface Step {
  readonly condition?: WriteCondition;
  readonly type?: 'put' | 'delete';
  readonly outcome?: WriteOutcome;
  readonly known?: readonly number[];
  readonly isOrdered?: boolean;
}

/** Calls and returns in the order of the method calls. */
class Clients {
  readonly history = new History();
  #reads = 1_000;

  /** A call that has no answer yet. */
  call(id: number, step: Step = {}): WriteEvent {
    const { condition, type = 'put', known = [] } = step;
    const event: WriteEvent = {
      ...{ id, key: KEY, type, known: new Set(known), isBlindDelete: false, n: 3, w: 2 },
      ...(condition === undefined ? {} : { condition }),
      attemptsById: 1,
      calledAt: this.history.next(),
      returnedAt: undefined,
      outcome: 'unknown',
    };
    this.history.add(event);
    return event;
  }

  answer(event: WriteEvent, { outcome = 'ok', isOrdered = true }: Step = {}): void {
    event.outcome = outcome;
    event.isOrdered = isOrdered;
    event.returnedAt = this.history.next();
  }

  write(id: number, step: Step = {}): void {
    this.answer(this.call(id, step), step);
  }

  shows(state: string, payload?: string, refused?: WriteCondition): void {
    this.#reads += 1;
    const [calledAt, returnedAt] = [this.history.next(), this.history.next()];
    this.history.sights.push({
      ...{ id: this.#reads, key: KEY, calledAt, returnedAt, state, payload },
      ...(refused === undefined ? {} : { refused }),
    });
  }

  verdict(mayForget = false): string {
    return judgeLinearizable(this.history, KEY, mayForget).type;
  }
}

function ifMatch(expected: string): WriteCondition {
  return { type: 'replace', expected };
}

describe('conditional writes and linearizable reads', () => {
  it('are legal as a chain of writes that expect each other', () => {
    const clients = new Clients();
    clients.write(1, { condition: CREATE });
    clients.write(2, { condition: ifMatch('1') });
    clients.shows('2');
    expect(clients.verdict()).toBe('legal');
  });

  it('are illegal with two writes in the place of one', () => {
    const clients = new Clients();
    clients.write(1, { condition: CREATE });
    clients.write(2, { condition: ifMatch('1') });
    clients.write(3, { condition: ifMatch('1') });
    expect(clients.verdict()).toBe('illegal');
  });

  it('count what is not known for whatever it may be', () => {
    for (const state of ['1', '2']) {
      const clients = new Clients();
      clients.write(1, { condition: CREATE });
      clients.write(2, { condition: ifMatch('1'), outcome: 'unknown' });
      clients.shows(state);
      expect(clients.verdict()).toBe('legal');
    }
  });

  it('leave out what was not applied', () => {
    const clients = new Clients();
    clients.write(1, { condition: CREATE, outcome: 'not-applied' });
    clients.shows('1');
    expect(clients.verdict()).toBe('illegal');
  });

  it('go through deletions', () => {
    const clients = new Clients();
    clients.write(1, { condition: CREATE });
    clients.write(2, { condition: ifMatch('1'), type: 'delete' });
    clients.shows('-2');
    clients.write(3, { condition: CREATE });
    clients.shows('3');
    expect(clients.verdict()).toBe('legal');
    clients.shows('1');
    expect(clients.verdict()).toBe('illegal');
  });

  it('are ordered with plain writes that say so, and with no others', () => {
    for (const isOrdered of [true, false]) {
      const clients = new Clients();
      clients.write(1, { condition: CREATE });
      clients.write(2, { isOrdered });
      clients.shows('1');
      expect(clients.verdict()).toBe(isOrdered ? 'illegal' : 'legal');
      clients.write(3, { known: [1] });
      clients.shows('2 3');
      expect(clients.verdict()).toBe(isOrdered ? 'illegal' : 'legal');
    }
  });
});

describe('a refusal', () => {
  it.each<readonly [string, WriteCondition, string, number]>([
    ['that shows another state', ifMatch('1'), '2', 0],
    ['that shows what was expected', ifMatch('1'), '1', 1],
    ['of a create that shows a value', CREATE, '1', 0],
    ['of a create that shows a deletion', CREATE, '-1', 1],
  ])('%s', (_, condition, state, violations) => {
    const clients = new Clients();
    clients.shows(state, undefined, condition);
    expect(checkRefusals(clients.history, KEY)).toHaveLength(violations);
  });
});

it('an ETag stands for one content', () => {
  const known = new Map<string, string>();
  expect(checkEtag(known, KEY, 'a', '1')).toEqual([]);
  expect(checkEtag(known, KEY, 'a', '1')).toEqual([]);
  expect(checkEtag(known, 'other', 'a', '2')).toEqual([]);
  expect(checkEtag(known, KEY, 'a', '2')).toMatchObject([{ invariant: 'etag' }]);
});

it('a counter ends between what is certain and what is possible', () => {
  const clients = new Clients();
  clients.write(1, { condition: CREATE });
  clients.write(2, { condition: ifMatch('1'), outcome: 'unknown' });
  clients.write(3, { condition: ifMatch('1'), outcome: 'not-applied' });
  const verdicts = (): readonly number[] =>
    [undefined, 1, 2, 3].map((last) => checkCounter(clients.history, KEY, last).length);
  expect(verdicts()).toEqual([1, 0, 0, 1]);
  // When it is known what became of all of them, there is one value left.
  const unknown = clients.history.write(2) as WriteEvent;
  unknown.outcome = 'ok';
  expect(verdicts()).toEqual([1, 1, 0, 1]);
  unknown.outcome = 'not-applied';
  expect(verdicts()).toEqual([1, 0, 1, 1]);
});

it('lists that are shown begin the longest one', () => {
  const clients = new Clients();
  clients.shows('');
  clients.shows('2', '1,2');
  clients.shows('3', '1,2,3');
  expect(checkAppends(clients.history, KEY)).toEqual([]);
  clients.shows('4', '1,4');
  expect(checkAppends(clients.history, KEY)).toMatchObject([{ invariant: 'append' }]);
});

it('one create wins', () => {
  const clients = new Clients();
  clients.write(1, { condition: CREATE });
  clients.write(2, { condition: CREATE, outcome: 'unknown' });
  clients.write(3, { condition: ifMatch('1') });
  expect(checkCreateRace(clients.history, KEY)).toEqual([]);
  clients.write(4, { condition: CREATE });
  expect(checkCreateRace(clients.history, KEY)).toMatchObject([{ invariant: 'two-winners' }]);
});

it('a lock has one holder at a time', () => {
  const clients = new Clients();
  clients.write(1, { condition: CREATE });
  const release = clients.call(2, { condition: ifMatch('1'), type: 'delete' });
  clients.write(3, { condition: CREATE });
  clients.answer(release);
  expect(checkLock(clients.history, KEY)).toEqual([]);
  clients.write(4, { condition: CREATE });
  clients.write(5, { condition: ifMatch('3'), type: 'delete' });
  expect(checkLock(clients.history, KEY)).toMatchObject([{ invariant: 'two-holders' }]);
});
