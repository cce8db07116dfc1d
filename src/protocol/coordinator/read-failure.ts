/** What the client of a read is told that cannot be answered. */
import type { Failure, ReplicaReport } from '../../core/outcome.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';

export type ReadFailureCode = 'quorum-unavailable' | 'quorum-timeout' | 'session-too-new';

export interface ReadFailureFacts {
  readonly r: number;
  readonly nodes: PreferredNodes;
  /** Nodes whose answers count. */
  readonly counted: number;
  readonly replicas: readonly ReplicaReport[];
}

export function readFailure(
  code: ReadFailureCode,
  { r, nodes, counted, replicas }: ReadFailureFacts,
): Failure {
  const who = nodes.fallbacks.length > 0 ? 'home replicas, or fallbacks in their place,' : 'home replicas';
  const answered = `${counted} of ${nodes.homes.length} ${who} could tell what they hold`;
  const details = {
    'quorum-timeout': `${answered}, but R is ${r}, in time.`,
    'quorum-unavailable': `${answered}, but R is ${r}, and no more can be asked.`,
    'session-too-new': `${answered}, and none of it is as new as the context of the request.`,
  };
  const told = { required: r, received: counted, replicas };
  return { type: 'failed', code, certainty: 'not-applied', detail: details[code], ...told };
}
