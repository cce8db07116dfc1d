/**
 * Lets virtual time go on while code outside of the simulation waits for it: the contracts of the ports are written for real
 * adapters, and only await.
 */
import type { EventLoop } from './event-loop.ts';

/** Virtual microseconds of one step. */
const STEP_US = 1_000;

/** Runs the loop step by step, in macrotasks of its own, until the returned function is called; resolves when it has ended. */
export function pump(loop: EventLoop): () => Promise<void> {
  const pumping = { isStopped: false };
  const run = async (): Promise<void> => {
    while (!pumping.isStopped) await loop.run(loop.nowUs + STEP_US);
  };
  const ended = run();
  return () => {
    pumping.isStopped = true;
    return ended;
  };
}
