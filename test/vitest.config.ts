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

/** Rooms whose tests leave nothing behind in their process: many files run in one, which loads what they use only once. */
const IN_ONE_PROCESS = ['core', 'codec', 'client', 'protocol', 'server'].map(
  (room) => `test/${room}/**/*.test.ts`,
);
/** Of those rooms, the ones that put another module in the place of one. */
const WITH_MOCKED_MODULES = ['test/core/causality/beyond-window.test.ts'];

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
        test: {
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: IN_ONE_PROCESS,
        },
      },
      {
        extends: true,
        test: {
          name: 'mocked',
          include: WITH_MOCKED_MODULES,
        },
      },
      {
        extends: true,
        test: {
          name: 'together',
          include: IN_ONE_PROCESS,
          exclude: WITH_MOCKED_MODULES,
          isolate: false,
        },
      },
    ],
  },
});
