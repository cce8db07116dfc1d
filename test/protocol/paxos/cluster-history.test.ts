/** Random histories of conditional writes and linearizable reads through whole nodes, each judged by a linearizability checker. */
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../sim/linearizability/chain-check.ts';
import { type ClusterHistoryOptions, type HistoryTally, runClusterHistory } from './cluster-history.ts';

const SEEDS = Array.from({ length: 30 }, (_, index) => index + 1);

async function judged(seed: number, options: ClusterHistoryOptions): Promise<HistoryTally> {
  const history = await runClusterHistory(seed, options);
  expect(history.bugs, `seed ${seed}`).toEqual([]);
  expect(checkChain('key', history.operations), `seed ${seed}`).toEqual([]);
  return history;
}

describe.each(['mixed', 'cas'] as const)('of one key in a bucket of mode %s', (mode) => {
  it('are linearizable under loss, cuts and crashes, and answered when these are over', async () => {
    let written = 0;
    for (const seed of SEEDS) {
      const { counts, end } = await judged(seed, { mode, wipes: false });
      expect(end, `seed ${seed}`).toMatchObject({ type: 'read' });
      written += counts['written'] ?? 0;
    }
    expect(written).toBeGreaterThan(SEEDS.length);
  }, 120_000);

  it('are linearizable though a home replica loses its disk', async () => {
    let seen = 0;
    for (const seed of SEEDS) seen += (await judged(1_000 + seed, { mode, wipes: true })).counts['seen'] ?? 0;
    expect(seen).toBeGreaterThan(SEEDS.length);
  }, 120_000);
});
