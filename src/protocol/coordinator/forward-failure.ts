/** What a node that forwards an operation says of it where no answer of another node stands. */
import type { Failure, ReplicaReport } from '../../core/outcome.ts';
import { type ForwardedOperation, identityIn, requiredBy } from './forwarded-operation.ts';

/** What became of each node that was asked. */
type Reports = Iterable<ReplicaReport>;

/** Nobody has taken it. */
export function notTaken(
  { request }: ForwardedOperation,
  reports: Reports,
  code: 'quorum-unavailable' | 'quorum-timeout' = 'quorum-unavailable',
): Failure {
  const isRetry = identityIn(request)?.firstAttempt === false;
  return {
    type: 'failed',
    code,
    certainty: isRetry ? 'unknown' : 'not-applied',
    detail: 'This node cannot coordinate the request, and no node that may could take it.',
    ...facts(request, reports),
  };
}

/** Somebody may have carried it out. */
export function unknownFate({ request }: ForwardedOperation, reports: Reports, why: string): Failure {
  return {
    type: 'failed',
    code: 'quorum-timeout',
    certainty: 'unknown',
    detail: `${why} after the request had been forwarded: it may have been carried out.`,
    ...facts(request, reports),
  };
}

function facts(
  request: ForwardedOperation['request'],
  reports: Reports,
): Required<Pick<Failure, 'required' | 'received' | 'replicas'>> {
  return { required: requiredBy(request), received: 0, replicas: [...reports] };
}
