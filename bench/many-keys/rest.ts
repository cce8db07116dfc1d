/**
 * Waits until nodes have nothing to do. After a start they count their records into digest trees, which with millions of
 * them takes minutes, and which no answer of a node tells; so it is seen by the CPU time that they use.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicroseconds } from '../system/process-cost.ts';

/** A node at rest uses less of one processor than this: peers say that they are there, and compare what is equal. */
const REST_SHARE = 0.05;
const WINDOW_MS = 3_000;
/** Windows in a row. */
const REST_WINDOWS = 3;
const LIMIT_MS = 30 * 60_000;

/** What was waited for. */
export interface Rest {
  /** Until the first window at rest. */
  readonly seconds: number;
  /** CPU time that each process used meanwhile, seconds; empty where the system does not tell. */
  readonly cpuSeconds: readonly number[];
  /** False: they still worked when it had taken too long. */
  readonly isReached: boolean;
}

/** Watches the processes; resolves when they have been at rest for a while, or after half an hour. */
export async function untilAtRest(pids: readonly number[], signal: AbortSignal): Promise<Rest> {
  const startMs = performance.now();
  const begin = cpuOf(pids);
  let before = begin;
  let rested = 0;
  while (rested < REST_WINDOWS && performance.now() - startMs < LIMIT_MS) {
    await delay(WINDOW_MS, undefined, { signal });
    const now = cpuOf(pids);
    const busiest = Math.max(0, ...now.map((time, place) => time - (before[place] ?? 0)));
    rested = busiest < REST_SHARE * WINDOW_MS * 1_000 ? rested + 1 : 0;
    before = now;
  }
  return {
    seconds: Math.max(0, performance.now() - startMs - rested * WINDOW_MS) / 1000,
    cpuSeconds: before.map((time, place) => (time - (begin[place] ?? 0)) / 1e6),
    isReached: rested === REST_WINDOWS,
  };
}

function cpuOf(pids: readonly number[]): readonly number[] {
  return pids.flatMap((pid) => cpuMicroseconds(pid) ?? []);
}
