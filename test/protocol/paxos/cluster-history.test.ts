/** Random histories of conditional writes and linearizable reads through whole nodes, each judged by a linearizability checker. */
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../sim/linearizability/chain-check.ts';
import { type ClusterHistoryOptions, type HistoryTally, LONG, runClusterHistory } from './cluster-history.ts';
import { LOST_AGAIN, ONE_DAMAGED, ONE_ROLLED_BACK, ONE_WIPED, SOUND_DISKS } from './faulty-cluster.ts';

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

async function judged(seed: number, options: ClusterHistoryOptions): Promise<HistoryTally> {
  const history = await runClusterHistory(seed, options);
  expect(history.bugs, `seed ${seed}`).toEqual([]);
  expect(checkChain('key', history.operations), `seed ${seed}`).toEqual([]);
  return history;
}

describe.each(['mixed', 'cas'] as const)('histories of one key in a bucket of mode %s', (mode) => {
  it('are linearizable under loss, cuts and crashes, and answered when these are over', async () => {
    let written = 0;
    for (const seed of SEEDS) {
      const { counts, end } = await judged(seed, { mode, disks: SOUND_DISKS });
      expect(end, `seed ${seed}`).toMatchObject({ type: 'read' });
      written += counts['written'] ?? 0;
    }
    expect(written).toBeGreaterThan(SEEDS.length);
  }, 120_000);

  it('are linearizable though a home replica loses its disk', async () => {
    let seen = 0;
    for (const seed of SEEDS)
      seen += (await judged(1_000 + seed, { mode, disks: ONE_WIPED })).counts['seen'] ?? 0;
    expect(seen).toBeGreaterThan(SEEDS.length);
  }, 120_000);

  it('are linearizable though a home replica comes back with an older state of its disk', async () => {
    let losses = 0;
    for (const seed of SEEDS) losses += (await judged(2_000 + seed, { mode, disks: ONE_ROLLED_BACK })).losses;
    expect(losses).toBeGreaterThan(SEEDS.length / 3);
  }, 120_000);

  it('are linearizable though an entry of a disk is damaged', async () => {
    let losses = 0;
    for (const seed of SEEDS) losses += (await judged(4_000 + seed, { mode, disks: ONE_DAMAGED })).losses;
    expect(losses).toBeGreaterThan(SEEDS.length / 2);
  }, 120_000);

  it('are linearizable though one disk after the other is lost, or an older one, and each votes again', async () => {
    let again = 0;
    for (const seed of SEEDS.slice(0, 8))
      again += (await judged(3_000 + seed, { mode, disks: LOST_AGAIN, pace: LONG })).votesAgain;
    expect(again).toBeGreaterThan(8);
  }, 120_000);
});
