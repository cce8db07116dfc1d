import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** In `.ci/run` it takes two minutes, most of them waiting for faults to come and go: at the end one worker would have nothing to do. */
const LONGEST = /nemesis\/nemesis\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification): number => Number(LONGEST.test(moduleId));
    return (await super.sort(files)).toSorted((left, right) => isLongest(right) - isLongest(left));
  }
}

/**
 * Rooms whose tests leave nothing behind in their process: many files run in one, which loads what they use only once. Those that run
 * simulated nodes must not share it with those that open real stores: garbage of the latter leaves things to do, which the guard of
 * the simulation would take for its own.
 */
const SIMULATED = filesOf('core', 'codec', 'protocol');
const SERVED = filesOf('client', 'server');
/** Of those rooms, the ones that put another module in the place of one. */
const WITH_MOCKED_MODULES = ['test/core/causality/beyond-window.test.ts'];

function filesOf(...rooms: readonly string[]): string[] {
  return rooms.map((room) => `test/${room}/**/*.test.ts`);
}

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    // Two workers leave room for the node processes that the cluster tests start.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // One line for each file; what a test prints, and how long it takes, is of interest when it fails or is very slow.
    reporters: ['default'],
    silent: 'passed-only',
    slowTestThreshold: 10_000,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: [...SIMULATED, ...SERVED] },
      },
      { extends: true, test: { name: 'mocked', include: WITH_MOCKED_MODULES } },
      {
        extends: true,
        test: { name: 'simulated', include: SIMULATED, exclude: WITH_MOCKED_MODULES, isolate: false },
      },
      { extends: true, test: { name: 'served', include: SERVED, isolate: false } },
    ],
  },
});
