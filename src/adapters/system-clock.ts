import type { Clock, Timer } from '../ports/clock.ts';

/** The longest delay that Node's timers take; a longer one would fire at once. */
const MAX_TIMEOUT_DELAY_MS = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, onFire): Timer {
    const dueMs = performance.now() + delayMs;
    let timeout: NodeJS.Timeout;
    const wait = (remainingMs: number): void => {
      timeout = setTimeout(fire, Math.min(Math.ceil(remainingMs), MAX_TIMEOUT_DELAY_MS));
    };
    // Node counts whole milliseconds and may call a fraction too early; and a long delay is waited for in parts.
    const fire = (): void => {
      const remainingMs = dueMs - performance.now();
      if (remainingMs > 0) wait(remainingMs);
      else onFire();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
