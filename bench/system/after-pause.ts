/**
 * How much slower a machine is after a moment of rest. On one that others share, caches do not last: what has not run for some
 * milliseconds runs slowly, whatever it is. A closed loop never sees that, and a low load sees nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 10;
const SAMPLES = 40;
/** Enough runs that the code is compiled for good. */
const WARM_UP = 2_000;
/** Objects that one computation touches a part of; some hundred kilobytes, as much as a cache of a processor holds. */
const OBJECTS = 20_000;
const STEP = 7;
/** Prime, so that the places follow no pattern that a processor foresees. */
const STRIDE = 7_919;

/** The same computation after a pause of 10 ms, as a multiple of its time without one. Medians; takes about half a second. */
export async function slownessAfterPause(): Promise<number> {
  const objects = Array.from({ length: OBJECTS }, (_, index) => ({
    index,
    text: String(index),
    list: [index],
  }));
  let sink = 0;
  const compute = (): void => {
    for (let place = 0; place < OBJECTS; place += STEP) {
      const object = objects[(place * STRIDE) % OBJECTS];
      if (object !== undefined) sink += object.text.length + (object.list[0] ?? 0);
    }
  };
  for (let run = 0; run < WARM_UP; run++) compute();
  const timed = (): number => {
    const startMs = performance.now();
    compute();
    return performance.now() - startMs;
  };
  const warm = Array.from({ length: SAMPLES }, timed);
  const cold: number[] = [];
  while (cold.length < SAMPLES) {
    await delay(PAUSE_MS);
    cold.push(timed());
  }
  if (!Number.isFinite(sink))
    throw new Error('unreachable: it only keeps the computation from being left out');
  return medianOf(cold) / medianOf(warm);
}

function medianOf(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}
