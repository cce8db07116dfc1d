import type { Clock, Timer } from '../../../src/ports/clock.ts';
import { draw } from './draw.ts';
import type { EventLoop } from './event-loop.ts';
import type { Life } from './life.ts';

/** 2026-01-01 in milliseconds since 1970: where simulated wall clocks begin. */
export const WALL_START_MS = 1_767_225_600_000;

/** How one machine's clocks go. */
export interface ClockFaults {
  /** Relative error of both clocks, at most 0.0005 either way. */
  readonly drift: number;
  /** Milliseconds by which the wall clock is off; a fault may change it. */
  wallOffsetMs: number;
  /** By how much each timer fires late at most, milliseconds. */
  readonly lateMs: number;
  /** Probability that one fires late by `stallMs` at most: the event loop of that process was busy. */
  readonly stallChance: number;
  readonly stallMs: number;
}

/** The clock port of one process. Timers follow the monotonic clock; the wall clock may jump. */
export class SimClock implements Clock {
  readonly #seed: number;
  readonly #loop: EventLoop;
  readonly #life: Life;
  readonly #faults: ClockFaults;
  #timers = 0;

  constructor(seed: number, loop: EventLoop, life: Life, faults: ClockFaults) {
    this.#seed = seed;
    this.#loop = loop;
    this.#life = life;
    this.#faults = faults;
  }

  nowMs(): number {
    return (this.#loop.nowUs / 1_000) * (1 + this.#faults.drift);
  }

  wallMs(): number {
    return Math.round(WALL_START_MS + this.nowMs() + this.#faults.wallOffsetMs);
  }

  setTimer(delayMs: number, onFire: () => void): Timer {
    if (!this.#life.isCalling()) return { cancel: () => {} };
    this.#timers += 1;
    const { drift, lateMs, stallChance, stallMs } = this.#faults;
    const uniform = draw(this.#seed, `late ${this.#life.name}`, this.#timers);
    // The digits of the draw that its comparison hardly uses say by how much.
    const lateUs = ((uniform * 65_536) % 1) * (uniform < stallChance ? stallMs : lateMs) * 1_000;
    // One microsecond more than asked for: a timer never fires too early by its own clock.
    const delayUs = Math.ceil((delayMs * 1_000) / (1 + drift)) + 1 + Math.floor(lateUs);
    let isSet = true;
    const unset = (): void => {
      if (isSet) this.#life.timers -= 1;
      isSet = false;
    };
    this.#life.timers += 1;
    const event = this.#loop.schedule(delayUs, this.#life, 'timer', () => {
      unset();
      onFire();
    });
    return {
      cancel: () => {
        unset();
        event.cancelled = true;
      },
    };
  }
}
