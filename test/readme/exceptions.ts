/** Blocks of README.md that are not simply run, each with the reason. */
import type { ReadmeCluster } from './readme-cluster.ts';

export interface Exception {
  readonly why: string;
  /** Whether the test runs the block at all. */
  readonly run: boolean;
  /** Run again until it prints what it should: what it shows comes about by itself, after a moment. */
  readonly repeat?: boolean;
  /** What the test does after the block, or instead of it. */
  readonly afterwards?: (readme: ReadmeCluster) => Promise<void>;
}

/** By the commands of the block. */
export const EXCEPTIONS: ReadonlyMap<string, Exception> = new Map<string, Exception>([
  [
    'npm ci && npm start',
    {
      why: 'It installs, builds, and does not end. The test stands on what it leads to: the same build and configuration.',
      run: false,
    },
  ],
  [
    'npx tsx data/walk.ts',
    { why: 'The test runs the program above it in this very way, and compares what it prints.', run: false },
  ],
  [
    "pkill -KILL -f 'serve --node n2'",
    {
      why: 'The other nodes take a moment to see it.',
      run: true,
      afterwards: (readme) => readme.untilSeenDown('n2'),
    },
  ],
  [
    'quorate serve --node n2',
    {
      why: 'It does not end. The test starts the node in its own way.',
      run: false,
      afterwards: async ({ cluster }) => cluster.restart('n2'),
    },
  ],
  [
    'quorate inspect carts bob | tail -1',
    { why: 'Read repair comes after the answer of the read.', run: true, repeat: true },
  ],
  [
    'npx vitest run --config test/vitest.config.ts test/core',
    { why: 'It runs other tests. That there is such a directory another test looks after.', run: false },
  ],
]);
