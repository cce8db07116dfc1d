/** Random histories of conditional writes and linearizable reads through whole nodes, each judged by a linearizability checker. */
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../sim/linearizability/chain-check.ts';
import { BRISK, type HistoryTally, LONG, runClusterHistory } from './cluster-history.ts';
import {
  type DiskFaults,
  LOST_AGAIN,
  ONE_DAMAGED,
  ONE_ROLLED_BACK,
  ONE_WIPED,
  SOUND_DISKS,
} from './faulty-cluster.ts';

const SEEDS = Array.from({ length: 30 }, (_, index) => index + 1);

async function judged(seed: number, disks: DiskFaults, pace = BRISK): Promise<HistoryTally> {
  const history = await runClusterHistory(seed, disks, pace);
  expect(history.bugs, `seed ${seed}`).toEqual([]);
  expect(checkChain('key', history.operations), `seed ${seed}`).toEqual([]);
  return history;
}

describe('conditional writes and linearizable reads of one key', () => {
  it('are linearizable under loss, cuts and crashes, and answered when these are over', async () => {
    let written = 0;
    for (const seed of SEEDS) {
      const { counts, end } = await judged(seed, SOUND_DISKS);
      expect(end, `seed ${seed}`).toMatchObject({ type: 'read' });
      written += counts['written'] ?? 0;
    }
    expect(written).toBeGreaterThan(SEEDS.length);
  }, 120_000);

  it('are linearizable though a home replica loses its disk', async () => {
    let seen = 0;
    for (const seed of SEEDS) seen += (await judged(1_000 + seed, ONE_WIPED)).counts['seen'] ?? 0;
    expect(seen).toBeGreaterThan(SEEDS.length);
  }, 120_000);

  it('are linearizable though a home replica comes back with an older state of its disk', async () => {
    let losses = 0;
    for (const seed of SEEDS) losses += (await judged(2_000 + seed, ONE_ROLLED_BACK)).losses;
    expect(losses).toBeGreaterThan(SEEDS.length / 3);
  }, 120_000);

  it('are linearizable though an entry of a disk is damaged', async () => {
    let losses = 0;
    for (const seed of SEEDS) losses += (await judged(4_000 + seed, ONE_DAMAGED)).losses;
    expect(losses).toBeGreaterThan(SEEDS.length / 2);
  }, 120_000);

  it('are linearizable though one disk after the other is lost, or an older one, and each votes again', async () => {
    let again = 0;
    for (const seed of SEEDS.slice(0, 15)) again += (await judged(3_000 + seed, LOST_AGAIN, LONG)).votesAgain;
    expect(again).toBeGreaterThan(15);
  }, 120_000);
});
