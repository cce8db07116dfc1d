/** What is told of a round that has ended. */
import type { RoundStep } from '../../core/paxos/round.ts';
import type { TraceEvent } from '../../ports/tracer.ts';
import type { RoundEnd } from './round-run.ts';
import type { WaitingRequest } from './waiting-request.ts';

type RoundEvent = Extract<TraceEvent, { readonly type: 'round' }>;

/** `start`: whether its promises had to be asked for. */
export function roundEvent(
  end: RoundEnd,
  start: RoundEvent['start'],
  requests: readonly WaitingRequest[],
): RoundEvent {
  if (end.type === 'lost') return { type: 'round', start, end: lossOf(end), reads: 0 };
  // What finishes another's round is no read of a client.
  const reads = requests.filter(
    ({ request, mustPropose }) => request.operation.type === 'read' && !mustPropose,
  );
  return { type: 'round', start, end: end.type, reads: reads.length };
}

/** One reason of several: what a proposer can do something about comes first. */
function lossOf({ refusals }: Extract<RoundStep, { readonly type: 'lost' }>): RoundEvent['end'] {
  if (refusals.includes('dirty')) return 'dirty';
  if (refusals.includes('outbid')) return 'outbid';
  return refusals.length === 0 ? 'unanswered' : 'another-reason';
}
