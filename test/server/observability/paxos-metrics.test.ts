/** What is told of conditional requests arrives in the metrics. */
import { expect, it } from 'vitest';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { countEvent } from '../../../src/server/observability/event-counters.ts';
import { createMetrics } from '../../../src/server/observability/metrics.ts';

it('counts each event of a round under its labels', async () => {
  const metrics = createMetrics('n1');
  const events: readonly TraceEvent[] = [
    { type: 'round', start: 'prepared', end: 'chosen', reads: 2 },
    { type: 'round', start: 'prepared', end: 'chosen', reads: 0 },
    { type: 'round', start: 'granted', end: 'dirty', reads: 0 },
    { type: 'round-committed', ms: 4 },
    { type: 'round-committed', ms: 700 },
    { type: 'quick-read', reads: 5 },
    { type: 'conditional-failed', code: 'cas-contention', certainty: 'not-applied' },
    { type: 'conditional-failed', code: 'quorum-timeout', certainty: 'unknown' },
    { type: 'vote-refused', reason: 'outbid' },
    { type: 'sweep', result: 'finished' },
    { type: 'unfinished-rounds', count: 5 },
    { type: 'unfinished-rounds', count: 3 },
  ];
  for (const event of events) countEvent(metrics, event);
  const text = await metrics.registry.metrics();
  for (const line of [
    'quorate_rounds_total{start="prepared",end="chosen",node="n1"} 2',
    'quorate_rounds_total{start="granted",end="dirty",node="n1"} 1',
    'quorate_round_commit_duration_seconds_bucket{le="0.0025",node="n1"} 0',
    'quorate_round_commit_duration_seconds_bucket{le="0.005",node="n1"} 1',
    'quorate_round_commit_duration_seconds_sum{node="n1"} 0.704',
    'quorate_round_commit_duration_seconds_count{node="n1"} 2',
    'quorate_linearizable_reads_total{by="round",node="n1"} 2',
    'quorate_linearizable_reads_total{by="quick",node="n1"} 5',
    'quorate_conditional_failures_total{code="cas-contention",outcome="not-applied",node="n1"} 1',
    'quorate_conditional_failures_total{code="quorum-timeout",outcome="unknown",node="n1"} 1',
    'quorate_votes_refused_total{reason="outbid",node="n1"} 1',
    'quorate_sweeps_total{result="finished",node="n1"} 1',
    'quorate_unfinished_rounds{node="n1"} 3',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});
