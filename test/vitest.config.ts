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

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two workers leave room for the node processes that the cluster tests start.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // One line for each file; what a test prints, and how long it takes, is of interest when it fails or is very slow.
    reporters: ['default'],
    silent: 'passed-only',
    slowTestThreshold: 10_000,
  },
});
