/** One write on its way through a coordinator, and the answers that it can end in. */
import { etagOf } from '../../codec/hash.ts';
import { EMPTY_CONTEXT, withDot } from '../../core/causality/causal-context.ts';
import type { ProposedWrite } from '../../core/causality/decide-write.ts';
import { type Dot, sameDot } from '../../core/causality/dot.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import { liveSiblings } from '../../core/causality/visible-siblings.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { Failure, FailureCode, WriteSuccess } from '../../core/outcome.ts';
import { majority } from '../../core/quorum/quorum-tally.ts';
import type { DeleteRequest, PutRequest, WriteIdentity } from '../../core/request.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import type { Replicas } from '../replica/replicas.ts';
import type { Deadline } from './deadline.ts';
import type { SpreadDone } from './spread.ts';

/** What was asked, of whom, until when. */
export interface Write {
  readonly request: PutRequest | DeleteRequest;
  readonly entry: EntryName;
  readonly nodes: PreferredNodes;
  /** N of the bucket, whatever the request's is. */
  readonly bucketN: number;
  readonly deadline: Deadline;
  readonly proposed: ProposedWrite;
}

/** What the answer tells about the event; the rest follows from who stored it. */
export interface Written {
  readonly dot: Dot;
  readonly record: KeyRecord;
  readonly created: boolean;
}

/** The answer of a write that W positions hold durably. */
export function successOf(
  write: Write,
  { dot, record, created }: Written,
  { stored, acks, sloppy }: SpreadDone,
  coordinator: NodeId,
): WriteSuccess {
  const { request, proposed, nodes, bucketN } = write;
  const [sibling] = record.siblings;
  const isAlone = record.siblings.length === 1 && sibling !== undefined && sameDot(sibling.dot, dot);
  // Of two preference lists of one key the shorter is a prefix of the longer.
  const bucketHomes = new Set(nodes.homes.slice(0, bucketN));
  return {
    type: 'written',
    dot,
    // The context of the request, not of the record, which may cover siblings that the client has never seen.
    context: withDot(proposed.seen ?? EMPTY_CONTEXT, dot),
    created,
    liveSiblings: liveSiblings(record).length,
    etag: isAlone ? etagOf(record) : undefined,
    quorum: {
      n: request.n,
      required: request.w,
      acks,
      sloppy,
      // That they hold it durably counts, not whether they vote yet: from when one votes it shows the record to each round, and
      // takes no object that does not know it. If it loses it, it does not vote before it has met what all others hold. And
      // all that are connected have one configuration (peers/hello.ts).
      ordered: stored.filter((node) => bucketHomes.has(node)).length >= majority(bucketN),
      coordinator,
    },
    record: request.returnRecord ? record : undefined,
  };
}

export function refused(code: FailureCode, detail: string): Failure {
  return { type: 'failed', code, certainty: 'not-applied', detail };
}

/** Too few nodes can be reached that may store it; nothing was minted. */
export function unavailable(
  { nodes: { homes, fallbacks }, request: { w } }: Write,
  replicas: Replicas,
): Failure {
  const nodes = [...homes, ...fallbacks];
  const reports = nodes.map((node) => ({
    node,
    result: replicas.state(node) === 'up' ? ('not-asked' as const) : ('unreachable' as const),
    ms: 0,
  }));
  const received = reports.filter(({ result }) => result === 'not-asked').length;
  const who = fallbacks.length > 0 ? 'home replicas and fallbacks' : 'home replicas';
  return {
    ...refused('quorum-unavailable', `${received} of ${nodes.length} ${who} are reachable, but W is ${w}.`),
    required: w,
    received,
    replicas: reports,
  };
}

/** What a node answers to a read and to a write alike. */
const REFUSED_HERE: ReadonlySet<FailureCode> = new Set(['draining', 'overloaded']);

/** A write that had to read first, and could not: nothing was minted or sent, whatever the read met. */
export function notReadable(failure: Failure): Failure {
  const code = REFUSED_HERE.has(failure.code) ? failure.code : 'quorum-unavailable';
  return { ...failure, code, certainty: 'not-applied' };
}

/**
 * A write id names one write over all its attempts. Of a later attempt that did nothing it is not known whether an earlier
 * one was applied; only a reused id is certain, for its bytes are another write's.
 */
export function honest<Outcome extends { readonly type: string }>(
  { identity }: { readonly identity: WriteIdentity | undefined },
  outcome: Outcome | Failure,
): Outcome | Failure {
  if (!isFailure(outcome) || identity === undefined || identity.firstAttempt) return outcome;
  return outcome.code === 'write-id-reused' ? outcome : { ...outcome, certainty: 'unknown' };
}

function isFailure(outcome: { readonly type: string }): outcome is Failure {
  return outcome.type === 'failed';
}
