/** Random histories of plain and conditional writes of one key through whole nodes, judged by the definition of linearizability. */
import { expect, it } from 'vitest';
import { isLinearizable } from '../../core/paxos/model/linearizability.ts';
import { ONE_ROLLED_BACK, ONE_WIPED, SOUND_DISKS } from './faulty-cluster.ts';
import { runMixedHistory } from './mixed-history.ts';

it.each([
  ['loss, cuts and crashes', SOUND_DISKS, 1],
  ['these and a lost disk', ONE_WIPED, 1_001],
  ['these and an older disk', ONE_ROLLED_BACK, 2_001],
] as const)(
  'plain and conditional writes of one key are linearizable under %s, where they are ordered',
  async (_what, disks, firstSeed) => {
    const seen = new Set<string>();
    for (let seed = firstSeed; seed < firstSeed + 40; seed += 1) {
      const { operations, bugs } = await runMixedHistory(seed, disks);
      expect(bugs, `seed ${seed}`).toEqual([]);
      expect(isLinearizable(operations), `seed ${seed}`).toBe(true);
      for (const { request, outcome } of operations) seen.add(`${request.type} ${outcome.type}`);
    }
    for (const what of ['put ok', 'create ok', 'cas ok', 'cas shown', 'read shown']) {
      expect(seen).toContain(what);
    }
  },
  120_000,
);
