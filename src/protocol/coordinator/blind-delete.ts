/**
 * A DELETE without a context: reads at R what is there, then deletes exactly that. The node that the client asked takes both
 * steps, whoever coordinates them: what is held up on its way to a coordinator then deletes nothing that was written since,
 * which a request to delete whatever is there would.
 */
import { requestDigest } from '../../codec/hash.ts';
import { EMPTY_CONTEXT } from '../../core/causality/causal-context.ts';
import { decideByIdentity } from '../../core/causality/decide-write.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import type { DeleteOutcome, ReadOutcome, RemovalOutcome } from '../../core/outcome.ts';
import type { DeleteRequest, ReadRequest } from '../../core/request.ts';
import type { Clock } from '../../ports/clock.ts';
import { Deadline } from './deadline.ts';
import { notReadable } from './write.ts';

export interface BlindDeleteSteps {
  readonly read: (request: ReadRequest) => Promise<ReadOutcome>;
  /** A DELETE with a context. */
  readonly remove: (request: DeleteRequest) => Promise<RemovalOutcome>;
}

/** Never rejects for operating errors. Up to the second step a failure is `not-applied`. */
export async function deleteWhatIsThere(
  clock: Clock,
  request: DeleteRequest,
  { read, remove }: BlindDeleteSteps,
): Promise<DeleteOutcome> {
  const { bucket, key, n, r, sloppy, timeoutMs, identity } = request;
  const deadline = new Deadline(clock, timeoutMs);
  const found = await read({ bucket, key, n, r, sloppy, timeoutMs });
  if (found.type === 'failed') return notReadable(found);
  const { record, quorum } = found;
  const isKnown = isKnownAttempt(record, request);
  // A retry that finds nothing alive goes on all the same: its first attempt may stand where this one did not look.
  const isRetry = isKnown || identity?.firstAttempt === false;
  if (!isRetry && (record === undefined || liveSiblings(record).length === 0))
    return { type: 'nothing-to-delete', record, quorum };
  return remove({
    ...request,
    context: record?.context ?? EMPTY_CONTEXT,
    // A first attempt that comes after its own retry is looked up like one: whoever coordinates may not know of it.
    identity: identity === undefined ? undefined : { ...identity, firstAttempt: !isRetry },
    timeoutMs: Math.max(1, deadline.leftMs),
  });
}

function isKnownAttempt(record: KeyRecord | undefined, { identity }: DeleteRequest): boolean {
  if (identity === undefined) return false;
  const proposed = { identity: { ...identity, requestDigest: requestDigest('delete') } };
  return decideByIdentity(record, proposed) !== undefined;
}
