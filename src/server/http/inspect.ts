/** `/v1/inspect`: every replica's own view of one key. */
import type { BallotBody, InspectBody, InspectedReplica, VoteBody } from '../../api/bodies.ts';
import { PATHS } from '../../api/paths.ts';
import { encodeContextToken } from '../../codec/context-token.ts';
import { formatDot } from '../../core/causality/dot.ts';
import type { Sibling } from '../../core/causality/record.ts';
import type { EntryName } from '../../core/ids.ts';
import type { VoteView } from '../../core/message.ts';
import { type Ballot, isAbove, partsOfBallot } from '../../core/paxos/ballot.ts';
import type { Inspection, ReplicaView } from '../../protocol/storage-node.ts';
import { entryName } from './entry-name.ts';
import { quotedEtag } from './envelope.ts';
import type { Exchange } from './exchange.ts';
import { type EntryService, knownQuery } from './operation.ts';
import { refuseUnknownHeaders, timeoutOf } from './operation-headers.ts';
import { jsonReply, type Reply } from './reply.ts';

/** Answers a GET below /v1/inspect. Throws problems. */
export async function inspectEntry({ node }: EntryService, exchange: Exchange): Promise<Reply> {
  const entry = entryName(exchange.path, PATHS.inspect);
  knownQuery(exchange.query, []);
  refuseUnknownHeaders(exchange.headers);
  const inspection = await node.inspect(entry, timeoutOf(exchange.headers));
  return jsonReply(inspectBody(entry, inspection));
}

function inspectBody(entry: EntryName, inspection: Inspection): InspectBody {
  return {
    bucket: entry.bucket,
    key: entry.key,
    partition: inspection.partition,
    preferenceList: inspection.preferenceList,
    n: inspection.n,
    agree: homesAgree(inspection),
    replicas: inspection.replicas.map((view) => inspectedReplica(entry, view)),
  };
}

function homesAgree({ preferenceList, n, replicas }: Inspection): boolean {
  const views = new Map(replicas.map((view) => [view.node, view]));
  const states = preferenceList.slice(0, n).map((node) => stateOf(views.get(node)));
  return states[0] !== undefined && states.every((state) => state === states[0]);
}

/** Equal states agree; undefined if the replica did not tell. */
function stateOf(view: ReplicaView | undefined): string | undefined {
  if (view?.result === 'found') return view.digest;
  return view?.result === 'absent' ? 'absent' : undefined;
}

function inspectedReplica(entry: EntryName, view: ReplicaView): InspectedReplica {
  const { node, result, ms } = view;
  const vote = view.vote === undefined ? {} : { vote: voteBody(view.vote) };
  if (result !== 'found') return { node, result, ms, ...vote };
  const { record, digest } = view;
  return {
    node,
    result,
    ms,
    digest,
    context: encodeContextToken(entry, record.context),
    etag: quotedEtag(record),
    ...vote,
    siblings: record.siblings.map(inspectedSibling),
  };
}

function voteBody({ promised, accepted, chosen, notVoting }: VoteView): VoteBody {
  return {
    votes: notVoting === undefined,
    ...(notVoting === undefined ? {} : { reason: notVoting }),
    ...(promised === undefined ? {} : { promised: ballotBody(promised) }),
    ...(accepted === undefined ? {} : { accepted: ballotBody(accepted) }),
    ...(chosen === undefined ? {} : { chosen: ballotBody(chosen) }),
    unfinished: isAbove(accepted, chosen),
  };
}

function ballotBody(ballot: Ballot): BallotBody {
  const { timeMs, logical, node } = partsOfBallot(ballot);
  return { time: new Date(timeMs).toISOString(), counter: logical, node };
}

function inspectedSibling({
  dot,
  content,
  writtenAtMs,
  writeId,
}: Sibling): NonNullable<InspectedReplica['siblings']>[number] {
  const id = formatDot(dot);
  const writtenAt = new Date(writtenAtMs).toISOString();
  if (content.type === 'tombstone') return { id, deleted: true, writtenAt };
  const { contentType, bytes } = content;
  return { id, contentType, bytes: bytes.length, writtenAt, ...(writeId === undefined ? {} : { writeId }) };
}
