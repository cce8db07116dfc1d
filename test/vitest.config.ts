import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two workers leave room for the node processes that the cluster tests start.
    maxWorkers: 2,
    // One line for each file; what a test prints, and how long it takes, is of interest when it fails or is very slow.
    reporters: ['default'],
    silent: 'passed-only',
    slowTestThreshold: 10_000,
  },
});
