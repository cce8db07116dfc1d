/** What nodes have counted, from the text that they answer. */
import { describe, expect, it } from 'vitest';
import { countedBetween, sumCounters } from '../../../bench/system/node-metrics.ts';

const TEXT = `# HELP quorate_commit_entries_total Entries.
# TYPE quorate_commit_entries_total counter
quorate_commit_entries_total{node="n1"} 12
quorate_commit_duration_seconds_bucket{le="0.1",node="n1"} 3
quorate_commit_duration_seconds_count{node="n1"} 4
quorate_rounds_total{start="prepared",node="n1"} 2
quorate_rounds_total{start="granted",node="n1"} 5
quorate_hedged_reads_total 1
`;

describe('the counters of the nodes', () => {
  it('are summed over labels and nodes; what is not there is missing rather than 0', () => {
    const sums = sumCounters([TEXT, TEXT.replaceAll('n1', 'n2')]);
    expect(sums).toMatchObject({ entriesStored: 24, syncs: 8, rounds: 14, hedged: 2 });
    expect(sums.bytesStored).toBeUndefined();
  });

  it('tell what happened between two readings', () => {
    expect(countedBetween({ syncs: 3, rounds: 1 }, { syncs: 10, rounds: 1, hedged: 4 })).toEqual({
      syncs: 7,
      rounds: 0,
    });
  });
});
