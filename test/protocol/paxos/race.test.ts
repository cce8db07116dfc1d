/** The race of a key by itself: who is held, when it is told, and of what. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import {
  GATHER_CONTENDERS_MS,
  LOSER_HOLD_MS,
  LOSER_RELEASE_SHARE,
  MIN_RACE_CONTENDERS,
} from '../../../src/core/limits.ts';
import type { ConditionalRequest } from '../../../src/core/request.ts';
import { Deadline } from '../../../src/protocol/coordinator/deadline.ts';
import { Race } from '../../../src/protocol/paxos/race.ts';
import { WaitingRequest } from '../../../src/protocol/paxos/waiting-request.ts';
import { recordOf, textsOf } from '../../core/causality/sample-records.ts';
import { ballot } from '../../core/paxos/stage.ts';
import { casOf, linearizableOf } from '../requests.ts';
import { TestClock } from './test-clock.ts';

const ENTRY = { bucket: 'things', key: 'k' };
const TIMEOUT_MS = 10_000;
const LOST = { type: 'precondition-failed', record: undefined } as const;
/** More than are told with one round. */
const CROWD = 24;

interface Told {
  readonly name: string;
  readonly record: string;
  readonly atMs: number;
}

class RaceStage {
  readonly clock = new TestClock();
  readonly told: Told[] = [];
  readonly race: Race;
  /** When each was held, by its name. */
  readonly heldAtMs = new Map<string, number>();
  readonly #names = new Map<WaitingRequest, string>();

  constructor(fractions: readonly number[] = []) {
    const left = [...fractions];
    this.race = new Race({
      preciseClock: this.clock,
      // The last of all: then the order stays as it is.
      random: { fraction: () => left.shift() ?? 0.999, bytes: (count) => new Uint8Array(count) },
      refuse: (waiting, record) => {
        this.told.push({
          name: this.nameOf(waiting),
          record: textsOf(record).join(),
          atMs: this.clock.nowMs(),
        });
        waiting.answer({ type: 'cannot-coordinate', reason: 'told' });
      },
    });
  }

  nameOf(waiting: WaitingRequest): string {
    return this.#names.get(waiting) ?? '';
  }

  waits(
    name: string,
    request: ConditionalRequest = casOf(ENTRY, name, { ifMatch: 'absent' }),
    isForwarded = false,
  ): WaitingRequest {
    const { timeoutMs } = request;
    const times = { takenAtMs: 0, floorMs: 0, knownMs: 0 };
    const options = { mustPropose: false, isForwarded, ...times, resolve: () => {} };
    const waiting = new WaitingRequest(request, new Deadline(this.clock, timeoutMs), options);
    this.#names.set(waiting, name);
    return waiting;
  }

  /** Writes of these names, each with much time left. */
  crowd(prefix: string, count: number): readonly WaitingRequest[] {
    return Array.from({ length: count }, (_, index) => {
      const name = `${prefix}${index}`;
      return this.waits(name, casOf(ENTRY, name, { ifMatch: 'absent', timeoutMs: TIMEOUT_MS }));
    });
  }

  /** A round of a crowd, of whom all but the first lose: the names of those that are held. */
  round(prefix: string, count: number): readonly string[] {
    const [, ...losers] = this.race.start(this.crowd(prefix, count));
    const held = losers.filter((loser) => this.race.holds(loser, LOST)).map((loser) => this.nameOf(loser));
    for (const name of held) this.heldAtMs.set(name, this.clock.nowMs());
    this.race.chosen(chosen(prefix));
    return held;
  }

  get toldNames(): readonly string[] {
    return this.told.map(({ name }) => name);
  }
}

let ballots = 0;

/** What a round has chosen. */
function chosen(text: string): KeyRecord {
  ballots += 1;
  return recordOf(paxosDot(ballot(ballots)), text);
}

describe('the winner of a race', () => {
  it('is drawn of those of whom each has won less: clients of this node, or of others', () => {
    const stage = new RaceStage();
    const wins = { near: 0, far: 0 };
    for (let round = 0; round < 30; round += 1) {
      // Of three clients two are elsewhere; the one that is near comes first.
      const batch = [false, true, true].map((isForwarded, place) =>
        stage.waits(`${round}.${place}`, undefined, isForwarded),
      );
      const [first] = stage.race.start(batch) as [WaitingRequest];
      stage.race.won(first);
      wins[first.isForwarded ? 'far' : 'near'] += 1;
    }
    expect(wins).toEqual({ near: 10, far: 20 });
  });

  it('is soon one of those again who won long without the others', () => {
    const stage = new RaceStage();
    const near = stage.waits('near');
    const far = stage.waits('far', undefined, true);
    for (let round = 0; round < 1_000; round += 1) stage.race.won(near);
    let inARow = 0;
    for (; stage.race.start([near, far])[0] === far; inARow += 1) stage.race.won(far);
    expect(inARow).toBeGreaterThan(0);
    expect(inARow).toBeLessThan(32);
  });

  it('owes nothing to those of a race that is over', () => {
    const stage = new RaceStage();
    const near = stage.waits('near');
    const far = stage.waits('far', undefined, true);
    for (let round = 0; round < 10; round += 1) stage.race.won(near);
    stage.race.over();
    stage.race.won(far);
    expect(stage.race.start([near, far])[0]).toBe(near);
  });
});

describe('a loser of a race', () => {
  it('is held if there are many, and told at once if there are few', () => {
    expect(new RaceStage().round('few', MIN_RACE_CONTENDERS - 1)).toEqual([]);
    expect(new RaceStage().round('many', MIN_RACE_CONTENDERS)).toHaveLength(MIN_RACE_CONTENDERS - 1);
  });

  it('counts those that are held already, too', () => {
    const stage = new RaceStage();
    stage.round('first', MIN_RACE_CONTENDERS);
    expect(stage.round('next', 2)).toEqual(['next1']);
  });

  it('is held no longer than a moment, however long the rounds take that follow', () => {
    const stage = new RaceStage();
    stage.round('first', CROWD);
    stage.clock.advance(LOSER_HOLD_MS / 4);
    stage.round('second', CROWD);
    stage.clock.advance(LOSER_HOLD_MS / 2);
    stage.round('third', CROWD);
    stage.clock.advance(10 * LOSER_HOLD_MS);
    const heldMs = stage.told.map(({ name, atMs }) => atMs - (stage.heldAtMs.get(name) ?? Number.NaN));
    expect(Math.max(...heldMs)).toBe(LOSER_HOLD_MS);
    expect(stage.toldNames.toSorted()).toEqual([...stage.heldAtMs.keys()].toSorted());
  });

  it('waits where it costs nothing: with each round a few are told, the longest waiting first', () => {
    const stage = new RaceStage();
    const share = Math.ceil((CROWD - 1) * LOSER_RELEASE_SHARE);
    const held = stage.round('c', CROWD);
    expect(stage.toldNames).toEqual(held.slice(0, share));
    stage.clock.advance(LOSER_HOLD_MS / 2);
    stage.race.chosen(chosen('next'));
    expect(stage.toldNames).toEqual(held.slice(0, 2 * share));
    stage.clock.advance(LOSER_HOLD_MS / 2 - 1);
    expect(stage.toldNames).toEqual(held.slice(0, 2 * share));
  });

  it('is told by the end of the race, and once, if nobody comes who could win', () => {
    const stage = new RaceStage();
    const held = [...stage.round('first', CROWD), ...stage.round('second', CROWD)];
    expect(stage.told.length).toBeLessThan(held.length);
    stage.race.over();
    expect(stage.toldNames).toEqual(held);
    stage.clock.advance(2 * LOSER_HOLD_MS);
    expect(stage.toldNames).toEqual(held);
  });

  it('is told what was chosen last, which is after it came', () => {
    const stage = new RaceStage();
    stage.round('first', CROWD);
    expect(stage.told.map(({ record }) => record)).toEqual(['first', 'first']);
    stage.clock.advance(1);
    stage.race.chosen(chosen('later'));
    stage.race.chosen(chosen('last'));
    stage.clock.advance(LOSER_HOLD_MS);
    const records = stage.told.map(({ record }) => record);
    expect(records).toEqual([
      ...['first', 'first', 'later', 'later', 'last'],
      ...Array.from({ length: CROWD - 6 }, () => 'last'),
    ]);
  });

  it('that has been answered meanwhile is not told again', () => {
    const stage = new RaceStage();
    const batch = stage.race.start(stage.crowd('c', CROWD));
    for (const loser of batch.slice(1)) stage.race.holds(loser, LOST);
    batch.at(-1)?.answer({ type: 'cannot-coordinate', reason: 'its time is over' });
    stage.race.over();
    expect(stage.toldNames).toEqual(batch.slice(1, -1).map((loser) => stage.nameOf(loser)));
  });

  it.each<readonly [string, ConditionalRequest]>([
    ['a read', linearizableOf(ENTRY, TIMEOUT_MS)],
    [
      'a retry, whose refusal is a round of its own',
      casOf(ENTRY, 'again', { ifMatch: 'absent', firstAttempt: false, timeoutMs: TIMEOUT_MS }),
    ],
    [
      'one that has little time left',
      casOf(ENTRY, 'late', { ifMatch: 'absent', timeoutMs: 4 * LOSER_HOLD_MS }),
    ],
  ])('is not held if it is %s', (_, request) => {
    const stage = new RaceStage();
    const odd = stage.waits('odd', request);
    stage.race.start([...stage.crowd('c', CROWD), odd]);
    expect(stage.race.holds(odd, LOST)).toBe(false);
  });

  it('is not held if it was not refused for what is there now', () => {
    const stage = new RaceStage();
    const [first] = stage.race.start(stage.crowd('c', CROWD)) as [WaitingRequest];
    expect(stage.race.holds(first, { type: 'deferred' })).toBe(false);
  });
});

describe('the order of those that compete', () => {
  const orderBy = (fractions: readonly number[], batch = ['a', 'b', 'c']): string => {
    const stage = new RaceStage(fractions);
    const waiting = batch.map((name) =>
      stage.waits(name, name === 'read' ? linearizableOf(ENTRY) : casOf(ENTRY, name, { ifMatch: 'absent' })),
    );
    return stage.race
      .start(waiting)
      .map((one) => stage.nameOf(one))
      .join(' ');
  };

  it('is drawn, each as likely as any other', () => {
    const orders = [0, 1 / 3, 2 / 3].flatMap((first) =>
      [0, 1 / 2].map((second) => orderBy([first + 0.01, second + 0.01])),
    );
    expect(orders.toSorted()).toEqual(['a b c', 'a c b', 'b a c', 'b c a', 'c a b', 'c b a']);
  });

  it('stays as it is if there is one write only', () => {
    expect(orderBy([0, 0], ['read', 'a', 'read'])).toBe('read a read');
  });
});

describe('the round after a race', () => {
  /** A race of three, of whom two are told at once. Whether the next round may begin, and how many wait. */
  function raced(): { readonly stage: RaceStage; readonly next: { isDue: boolean; waiting: number } } {
    const stage = new RaceStage();
    const next = { isDue: false, waiting: 0 };
    stage.race.start(stage.crowd('c', 3));
    void stage.race.gather(() => next.waiting).then(() => (next.isDue = true));
    return { stage, next };
  }

  it('begins when as many have come back as were told', async () => {
    const { stage, next } = raced();
    for (const waiting of [1, 2, 3]) {
      await setImmediate();
      expect(next.isDue).toBe(false);
      next.waiting = waiting;
      stage.race.arrived();
    }
    await setImmediate();
    expect(next.isDue).toBe(true);
  });

  it('waits for no more than a moment', async () => {
    const { stage, next } = raced();
    stage.clock.advance(GATHER_CONTENDERS_MS - 1);
    await setImmediate();
    expect(next.isDue).toBe(false);
    stage.clock.advance(1);
    await setImmediate();
    expect(next.isDue).toBe(true);
  });

  it('waits for nobody that is held', async () => {
    const stage = new RaceStage();
    stage.round('c', CROWD);
    const told = stage.told.length + 1;
    let waiting = 0;
    let isDue = false;
    void stage.race.gather(() => waiting).then(() => (isDue = true));
    waiting = told;
    stage.race.arrived();
    await setImmediate();
    expect(isDue).toBe(true);
  });
});
