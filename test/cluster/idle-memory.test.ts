/** A node that has nothing to do is small: one of five may have no more than 120 MB resident. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { memoryOf, whyNoProcessMemory } from './process-memory.ts';

const LIMIT_BYTES = 120_000_000;
/** Connections are made, and everything that is loaded late has been loaded. */
const IDLE_MS = 15_000;

const skipped = whyNoProcessMemory();

let cluster: ProcessCluster;
beforeAll(async () => {
  if (skipped === undefined) cluster = await startProcessCluster({ nodes: 5 });
});
afterAll(() => cluster?.close());

describe.skipIf(skipped !== undefined)(`idle nodes${skipped === undefined ? '' : `: ${skipped}`}`, () => {
  it('stay under 120 MB resident', async () => {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const memory = await Promise.all(cluster.nodes.map((node) => memoryOf(cluster.pid(node))));
    const figures = memory.map(({ residentBytes }) => (residentBytes / 1e6).toFixed(0));
    process.stdout.write(`resident memory of five idle nodes: ${figures.join(', ')} MB\n`);
    for (const { residentBytes } of memory) expect(residentBytes).toBeLessThan(LIMIT_BYTES);
  });
});
