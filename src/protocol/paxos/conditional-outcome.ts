/** What a round's verdict on a request is for whoever asked. */
import { etagOf } from '../../codec/hash.ts';
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../core/causality/causal-context.ts';
import { type Dot, sameDot } from '../../core/causality/dot.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import type { ConditionalOutcome, QuorumFacts, WriteSuccess } from '../../core/outcome.ts';
import type { Verdict } from '../../core/paxos/conditional.ts';
import type { ConditionalRequest } from '../../core/request.ts';

/** Undefined: none yet, the request belongs into another round. */
export function outcomeOf(
  verdict: Verdict,
  { returnRecord }: ConditionalRequest,
  quorum: QuorumFacts,
): ConditionalOutcome | undefined {
  switch (verdict.type) {
    case 'deferred':
      return undefined;
    case 'read':
      return { type: 'read', record: verdict.record, quorum };
    case 'precondition-failed':
      return { type: 'precondition-failed', record: verdict.record, quorum };
    case 'written':
      return written(verdict, verdict.record.context, returnRecord, quorum);
    case 'repeated': {
      const { write, record } = verdict;
      const { dot, created } = write;
      return written({ dot, created, record }, contextThen(dot, record), returnRecord, quorum);
    }
    case 'reused':
      return {
        type: 'failed',
        code: 'write-id-reused',
        certainty: 'not-applied',
        detail: 'The write id was used for another write of this key.',
      };
    case 'expired':
      return {
        type: 'failed',
        code: 'write-id-expired',
        certainty: 'unknown',
        detail: 'The key may have forgotten the write id since: an earlier attempt may have been applied.',
      };
  }
}

function written(
  { dot, created, record }: { readonly dot: Dot; readonly created: boolean; readonly record: KeyRecord },
  context: CausalContext,
  returnRecord: boolean,
  quorum: QuorumFacts,
): WriteSuccess {
  return {
    type: 'written',
    dot,
    context,
    created,
    liveSiblings: liveSiblings(record).length,
    // The write left nothing beside itself, so its tag was the one of its dot alone, whatever has come after it.
    etag: etagOf({
      ...record,
      siblings: [{ dot, content: { type: 'tombstone' }, writtenAtMs: 0, writeId: undefined }],
    }),
    quorum,
    record: returnRecord ? record : undefined,
  };
}

/** What whoever wrote this has seen: all that is there if it is still just that write, else that write alone. */
function contextThen(dot: Dot, record: KeyRecord): CausalContext {
  const [sibling] = record.siblings;
  const isAlone = record.siblings.length === 1 && sibling !== undefined && sameDot(sibling.dot, dot);
  return isAlone ? record.context : withDot(EMPTY_CONTEXT, dot);
}
