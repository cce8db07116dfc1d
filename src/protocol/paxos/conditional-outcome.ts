/** What a round's verdict on a request is for whoever asked. */
import { etagOf } from '../../codec/hash.ts';
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../core/causality/causal-context.ts';
import { ballotOfActor, type Dot, sameDot } from '../../core/causality/dot.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import type { NodeId } from '../../core/ids.ts';
import type {
  ConditionalOutcome,
  PhaseTime,
  QuorumFacts,
  Settled,
  WriteSuccess,
} from '../../core/outcome.ts';
import type { Verdict } from '../../core/paxos/conditional.ts';
import type { ConditionalRequest } from '../../core/request.ts';

/** What was done for every request that a majority of the voters decided. */
export function quorumFacts(coordinator: NodeId, voters: number, phases: readonly PhaseTime[]): QuorumFacts {
  const quorum = Math.floor(voters / 2) + 1;
  return { n: voters, required: quorum, acks: quorum, sloppy: false, ordered: true, coordinator, phases };
}

/** Undefined: none yet, the request belongs into another round. */
export function outcomeOf(
  verdict: Verdict,
  { operation, returnRecord }: ConditionalRequest,
  quorum: QuorumFacts,
): ConditionalOutcome | undefined {
  switch (verdict.type) {
    case 'deferred':
      return undefined;
    case 'read':
      return { type: 'read', record: shown(verdict.record), quorum };
    case 'precondition-failed':
    case 'refused': {
      const wasRefused = verdict.type === 'refused';
      return { type: 'precondition-failed', record: shown(verdict.record), wasRefused, quorum };
    }
    case 'written':
      return written(verdict, verdict.record.context, returnRecord, quorum);
    case 'repeated': {
      const { write, record } = verdict;
      const { dot, created } = write;
      return written({ dot, created, record }, contextThen(dot, record), returnRecord, quorum);
    }
    case 'settled':
      return { type: 'settled', ...whatBecame(verdict), quorum };
    case 'reused':
      return {
        type: 'failed',
        code: 'write-id-reused',
        certainty: 'not-applied',
        detail: 'The write id was used for another write of this key.',
      };
    case 'expired':
      if (operation.type === 'settle') return { type: 'settled', state: 'too-old', etag: undefined, quorum };
      return {
        type: 'failed',
        code: 'write-id-expired',
        certainty: 'unknown',
        detail: 'The key may have forgotten the write id since: an earlier attempt may have been applied.',
      };
  }
}

/** As clients see it. The write ids that a busy key remembers are many times as long as what it holds. */
export function shown(record: KeyRecord | undefined): KeyRecord | undefined {
  return record === undefined ? undefined : { ...record, writes: [] };
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
    etag: etagAlone(dot, record),
    quorum,
    record: returnRecord ? shown(record) : undefined,
  };
}

/** A conditional write leaves nothing beside itself, so its tag was the one of its dot alone, whatever has come after it. */
function etagAlone(dot: Dot, record: KeyRecord): string {
  const sibling = { dot, content: { type: 'tombstone' }, writtenAtMs: 0, writeId: undefined } as const;
  return etagOf({ ...record, siblings: [sibling] });
}

function whatBecame({
  write,
  record,
}: Extract<Verdict, { type: 'settled' }>): Pick<Settled, 'state' | 'etag'> {
  if (write === undefined || record === undefined) return { state: 'never-applied', etag: undefined };
  const { dot } = write;
  const isThere = record.siblings.some((sibling) => sameDot(sibling.dot, dot));
  const isKnown = ballotOfActor(dot.actor) !== undefined || (isThere && record.siblings.length === 1);
  return { state: isThere ? 'applied' : 'superseded', etag: isKnown ? etagAlone(dot, record) : undefined };
}

/** What whoever wrote this has seen: all that is there if it is still just that write, else that write alone. */
function contextThen(dot: Dot, record: KeyRecord): CausalContext {
  const [sibling] = record.siblings;
  const isAlone = record.siblings.length === 1 && sibling !== undefined && sameDot(sibling.dot, dot);
  return isAlone ? record.context : withDot(EMPTY_CONTEXT, dot);
}
