/**
 * How fast the processors are, while something else is measured. A CPU second is no fixed amount of work where a machine has many
 * guests: who else runs on the same core, and how much of the cache is left, makes the same piece of work cost twice or four times
 * as much CPU time in one moment as in the next. So windows that are compared by CPU time are compared by that of such a piece.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from './program.ts';

interface Totals {
  readonly pieces: number;
  readonly cpuMicroseconds: number;
}

export interface ProcessorSpeed {
  /**
   * Resolves to the CPU time in microseconds that a piece of work took in the mean, in a window of so many milliseconds, after so many.
   * Windows follow each other.
   */
  measure(settleMs: number, measureMs: number): Promise<number>;
  stop(): Promise<void>;
}

export function startProcessorSpeed(): ProcessorSpeed {
  const program = startProgram(new URL('./processor-speed-program.ts', import.meta.url));
  const totals = async (): Promise<Totals> => {
    program.send('totals');
    return (await program.nextMessage()) as Totals;
  };
  return {
    measure: async (settleMs, measureMs) => {
      await sleep(settleMs);
      const before = await totals();
      await sleep(measureMs);
      const after = await totals();
      return (after.cpuMicroseconds - before.cpuMicroseconds) / (after.pieces - before.pieces);
    },
    stop: () => program.stop(),
  };
}
