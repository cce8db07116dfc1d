/** A value of each kind that is stored, sent between nodes or given to clients; formats.golden.json has their bytes. */
import { recordKey } from '../../src/codec/key-layout.ts';
import type { Hint } from '../../src/codec/hint-codec.ts';
import type { StoreIdentity } from '../../src/codec/store-identity.ts';
import type { RecoveryState } from '../../src/codec/store-meta.ts';
import type { OpeningList, StoreMark } from '../../src/core/membership/store-mark.ts';
import type { PeerMessage } from '../../src/codec/message-codec.ts';
import type { CausalContext } from '../../src/core/causality/causal-context.ts';
import { EncodedRecord } from '../../src/codec/encoded-record.ts';
import { encodeRecord } from '../../src/codec/record-codec.ts';
import { actorId, ballotOfActor, type Dot, paxosDot } from '../../src/core/causality/dot.ts';
import { joinRecords } from '../../src/core/causality/join.ts';
import type { KeyRecord, RememberedWrite } from '../../src/core/causality/record.ts';
import { refusedWrite } from '../../src/core/causality/remembered-writes.ts';
import type { ClusterConfig } from '../../src/core/cluster-config.ts';
import type { EntryName, Incarnation, NodeId, Partition, StoreId } from '../../src/core/ids.ts';
import { type AcceptorState, UNTOUCHED } from '../../src/core/paxos/acceptor-state.ts';
import { type Ballot, ballotOf, partsOfBallot, timeOfBallot } from '../../src/core/paxos/ballot.ts';
import type { Voters } from '../../src/core/paxos/messages.ts';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import type { Hello, PeerReply, PeerRequest } from '../../src/core/message.ts';
import type { QuorumFacts } from '../../src/core/outcome.ts';
import { context, dot, identity, recordOf } from '../core/causality/sample-records.ts';

export const SAMPLE_ENTRY: EntryName = { bucket: 'users', key: 'ada' };

export const NAME_SAMPLES: readonly EntryName[] = [
  SAMPLE_ENTRY,
  { bucket: '__proto__', key: '__proto__' },
  { bucket: 'b', key: 'a/b%2F\0é🙂' },
];

const BALLOT = ballotOf({
  timeMs: 1_760_000_000_000,
  logical: 7,
  node: 'n1' as NodeId,
  incarnation: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation,
});

const LATER = ballotOf({ ...partsOfBallot(BALLOT), timeMs: 1_760_000_000_003, logical: 0 });
const BY_ANOTHER = ballotOf({ ...partsOfBallot(BALLOT), timeMs: 1_760_000_000_002, node: 'n.2' as NodeId });

function remembered(id: string, of: Dot): RememberedWrite {
  const ballot = ballotOfActor(of.actor);
  return {
    ...{ id, dot: of, requestDigest: '00ff1234567890ab', seenDigest: 0xfedc_ba98, created: ballot === LATER },
    writtenAtMs: ballot === undefined ? 0 : timeOfBallot(ballot),
  };
}

/** One record of each kind that can lie on a disk. */
export const RECORD_SAMPLES: Readonly<Record<string, KeyRecord>> = {
  value: recordOf(dot('a', 1), 'hello', { writtenAtMs: 1_760_000_000_000 }),
  'value with a write id': recordOf(dot('a', 1), '', { writtenAtMs: 0, identity: identity('id-1'), n: 5 }),
  tombstone: recordOf(dot('b', 70_000, 40), '', {
    content: { type: 'tombstone' },
    seen: context({ a: [3] }),
  }),
  'siblings and a cloud': joinRecords(
    recordOf(dot('a', 9), 'é🙂', { seen: context({ a: [2, 5, 7] }) }),
    recordOf(dot('b', 300), 'second', {
      identity: identity('id-2'),
      writtenAtMs: 5,
      seen: context({ c: [1], d: [4, 6, 6] }),
    }),
  ),
  'a conditional write beside a plain one': joinRecords(
    recordOf(paxosDot(BALLOT), 'chosen', { identity: identity('id-3'), seen: context({ a: [2] }) }),
    recordOf(dot('b', 1), 'plain'),
  ),
  'what rounds remember': {
    ...recordOf(paxosDot(LATER), 'chosen', { seen: { ...context({ a: [2] }), ballot: BALLOT } }),
    writes: [
      remembered('7f3c1a52-9d0e-4b6a-8c11-0123456789ab', paxosDot(LATER)),
      remembered('AAECAwQFBgcICQoLDA0ODw', paxosDot(BY_ANOTHER)),
      refusedWrite('id-4', paxosDot(BY_ANOTHER), 1_760_000_000_002),
      remembered('id-3', paxosDot(BALLOT)),
      { ...remembered('id-2', dot('a', 2)), writtenAtMs: 1_759_999_999_000 },
    ],
  },
  'nothing but a context': { siblings: [], context: context({ a: [2] }), writes: [], largestN: 1 },
};

const CHOSEN_BYTES = encodeRecord(
  SAMPLE_ENTRY,
  RECORD_SAMPLES['a conditional write beside a plain one'] as KeyRecord,
);

const STORES = ['AAAAAAAAAAA', '__________8'].map((half) => Buffer.from(half, 'base64url'));

function actor(store: number, own: number, epoch: number): ReturnType<typeof actorId> {
  const bytes = Buffer.concat([STORES[store] as Buffer, Buffer.alloc(8, own)]);
  return actorId(bytes.toString('base64url') as Incarnation, epoch);
}

export const CONTEXT_SAMPLES: Readonly<Record<string, CausalContext>> = {
  empty: context({}),
  'one dot': { vector: new Map([[actor(0, 1, 1), 1]]), cloud: new Map() },
  'a dot above a hole': { vector: new Map(), cloud: new Map([[actor(0, 1, 1), [7, 7]]]) },
  'a ballot alone': { vector: new Map(), cloud: new Map(), ballot: BALLOT },
  'a ballot and a dot': { vector: new Map([[actor(0, 1, 1), 1]]), cloud: new Map(), ballot: BALLOT },
  'two stores, three incarnations, four epochs': {
    vector: new Map([
      [actor(0, 1, 1), 3],
      [actor(0, 1, 200_000), 1],
      [actor(0, 2, 1), 70_000],
    ]),
    cloud: new Map([
      [actor(0, 2, 1), [70_002, 70_002, 80_000, 90_000]],
      [actor(1, 9, 0), [2, 2 ** 53 - 1]],
    ]),
  },
};

export const STORE_SAMPLE: StoreIdentity = {
  storeId: 'AAECAwQFBgcICQoLDA0ODw' as StoreId,
  cluster: 'local',
  nodeId: 'n1' as NodeId,
  placement: '{"partitions":256}',
};

export const CONFIG_SAMPLE: ClusterConfig = {
  cluster: 'local',
  partitions: 256,
  nodes: ['n2', 'n1', 'n3'].map((id, index) => ({
    id: id as NodeId,
    host: 'h',
    bind: 'h',
    httpPort: 7001 + index,
    peerPort: 7101 + index,
    zone: index === 0 ? 'b' : 'a',
  })),
  defaults: { n: 3, r: 2, w: 2 },
  buckets: new Map([
    ['other', { n: 1, r: 1, w: 1, mode: 'mixed' }],
    ['accounts', { n: 3, r: 2, w: 2, mode: 'cas' }],
  ]),
  limits: DEFAULT_LIMITS,
};

export const HELLO_SAMPLE: Hello = {
  protocolVersion: 9,
  cluster: 'local',
  nodeId: 'n1',
  storeId: STORE_SAMPLE.storeId,
  incarnation: 'AAECAwQFBgcICQoLDA0ODw',
  epoch: '0123456789abcdef',
  nonce: Uint8Array.from({ length: 16 }, (_, index) => index),
  opening: 'AAECAwQFBgf_CQoLDA0ODw',
  openedAt: 0,
  earlier: { openings: [], unlistedUpTo: 0 },
  lost: [],
  remembered: undefined,
};

export const OPENINGS_SAMPLE: OpeningList = {
  openings: [
    { opening: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation, openedAt: 0 },
    { opening: 'AAECAwQFBgf_CQoLDA0ODw' as Incarnation, openedAt: 2 ** 40 },
  ],
  unlistedUpTo: 7,
};

export const MARK_SAMPLE: StoreMark = {
  storeId: STORE_SAMPLE.storeId,
  opening: 'AAECAwQFBgf_CQoLDA0ODw' as Incarnation,
  sequence: 2 ** 40,
};

export const RECOVERY_SAMPLE: RecoveryState = {
  lost: [STORE_SAMPLE.storeId],
  widestN: 5,
  debts: new Map([
    [7 as Partition, new Set<NodeId>()],
    [255 as Partition, new Set(['n2', 'n3'] as NodeId[])],
  ]),
};

export const HINT_SAMPLE: Hint = { storedAtMs: 1_700_000_000_123, bytes: 345, isStray: true };

const RECORD_BYTES = Uint8Array.of(1, 2, 3);
const QUORUM: QuorumFacts = {
  n: 3,
  required: 2,
  acks: 2,
  sloppy: false,
  ordered: true,
  coordinator: 'n2' as NodeId,
};
const READ = { ...SAMPLE_ENTRY, n: 3, r: 2, sloppy: true, timeoutMs: 4_999.5 };
const WRITE = { ...SAMPLE_ENTRY, n: 3, w: 2, sloppy: false, timeoutMs: 5_000, returnRecord: true };
const PUT = { ...WRITE, contentType: 'text/plain', value: Uint8Array.of(104, 105) };

const TREE = { partition: 300 as Partition, n: 3 };
const DIGEST = Uint8Array.from({ length: 16 }, (_, index) => 200 + index);

const ROUND = { leader: 'n1' as NodeId, round: new Uint8Array(16).fill(9) };

const HIGHER = ballotOf({
  timeMs: 1_760_000_000_001,
  logical: 0,
  node: 'node-2' as NodeId,
  incarnation: 'AAECAwQFBgf_CQoLDA0ODw' as Incarnation,
});
const VOTERS = '00112233445566778899aabbccddeeff' as Voters;

/** Of one key that was never voted on, and of others in each state that it can be in. */
export const ACCEPTOR_SAMPLES: Readonly<Record<string, AcceptorState<EncodedRecord>>> = {
  untouched: UNTOUCHED,
  promised: { ...UNTOUCHED, promised: BALLOT },
  accepted: {
    ...UNTOUCHED,
    promised: HIGHER,
    accepted: BALLOT,
    acceptedIn: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation,
    object: new EncodedRecord(CHOSEN_BYTES),
  },
  'accepted, made of one record': {
    ...UNTOUCHED,
    promised: HIGHER,
    accepted: BALLOT,
    acceptedIn: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation,
    object: new EncodedRecord(CHOSEN_BYTES, DIGEST),
  },
  'chosen, at a store that was let vote': {
    promised: BALLOT,
    accepted: BALLOT,
    object: undefined,
    acceptedIn: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation,
    chosen: BALLOT,
    admittedAs: STORE_SAMPLE.storeId,
  },
};

const CONDITIONAL = { ...SAMPLE_ENTRY, n: 3, timeoutMs: 5_000, returnRecord: false };
/** By partition. */
export const FLOOR_SAMPLES: Readonly<Record<number, Ballot>> = { 0: BALLOT, 1_023: HIGHER };

const PROPOSAL = { ...SAMPLE_ENTRY, voters: VOTERS, ballot: BALLOT };

const PAXOS_REQUESTS: Readonly<Record<string, PeerRequest>> = {
  'paxos prepare': { type: 'paxos-prepare', ...PROPOSAL, heard: undefined, known: undefined },
  'paxos prepare with a digest': { type: 'paxos-prepare', ...PROPOSAL, heard: undefined, known: DIGEST },
  'paxos prepare above what was heard': {
    type: 'paxos-prepare',
    ...PROPOSAL,
    heard: PROPOSAL.ballot,
    known: DIGEST,
  },
  'paxos accept': {
    ...{ type: 'paxos-accept', ...PROPOSAL, object: RECORD_BYTES },
    ...{ next: HIGHER, base: DIGEST },
  },
  'paxos accept of nothing': {
    ...{ type: 'paxos-accept', ...PROPOSAL },
    ...{ object: undefined, next: undefined, base: undefined },
  },
  'paxos commit': {
    ...{ type: 'paxos-commit', ...SAMPLE_ENTRY, ballot: BALLOT },
    ...{ object: RECORD_BYTES, base: DIGEST },
  },
  'paxos commit of what was accepted': {
    ...{ type: 'paxos-commit', ...SAMPLE_ENTRY, ballot: BALLOT },
    object: 'accepted',
  },
  'paxos commit of nothing': { type: 'paxos-commit', ...SAMPLE_ENTRY, ballot: BALLOT, object: undefined },
  'paxos admit': { type: 'paxos-admit', ...PROPOSAL, store: STORE_SAMPLE.storeId, object: RECORD_BYTES },
  'keys that rounds have reached': {
    type: 'voted-keys',
    node: 'n2' as NodeId,
    store: STORE_SAMPLE.storeId,
    after: undefined,
  },
  'more of them': {
    type: 'voted-keys',
    node: 'n2' as NodeId,
    store: STORE_SAMPLE.storeId,
    after: Uint8Array.of(97, 0, 1),
  },
  'paxos read': { type: 'paxos-read', ...SAMPLE_ENTRY, voters: VOTERS, known: undefined },
  'paxos read with a digest': { type: 'paxos-read', ...SAMPLE_ENTRY, voters: VOTERS, known: DIGEST },
  'conditional read': {
    type: 'coordinate-conditional',
    request: { ...CONDITIONAL, operation: { type: 'read' } },
  },
  'conditional settlement': {
    type: 'coordinate-conditional',
    request: { ...CONDITIONAL, operation: { type: 'settle', writeId: 'id-3' } },
  },
  'conditional put': {
    type: 'coordinate-conditional',
    request: {
      ...CONDITIONAL,
      returnRecord: true,
      operation: {
        type: 'write',
        condition: { type: 'if-match', etags: new Set(['e'.repeat(32), 'f'.repeat(32)]) },
        content: { type: 'value', contentType: 'text/plain', bytes: Uint8Array.of(104, 105) },
        identity: { id: 'id-1', firstAttempt: false, notBefore: BALLOT },
      },
    },
  },
  'conditional delete': {
    type: 'coordinate-conditional',
    request: {
      ...CONDITIONAL,
      operation: {
        type: 'write',
        condition: { type: 'if-absent' },
        content: { type: 'tombstone' },
        identity: { id: 'id-2', firstAttempt: true, notBefore: undefined },
      },
    },
  },
  'inspect the vote': { type: 'inspect-vote', ...SAMPLE_ENTRY },
};

const REJECTED = { type: 'rejected', reason: 'dirty', highest: HIGHER, accepted: BALLOT } as const;

const PAXOS_REPLIES: Readonly<Record<string, PeerReply>> = {
  'found, with an unfinished round': {
    type: 'read',
    reply: { type: 'found', record: RECORD_BYTES, hasUnfinishedRound: true },
  },
  'same, with an unfinished round': { type: 'read', reply: { type: 'same', hasUnfinishedRound: true } },
  'absent, with an unfinished round': { type: 'read', reply: { type: 'absent', hasUnfinishedRound: true } },
  promised: {
    type: 'paxos-prepare',
    reply: {
      type: 'promised',
      voters: VOTERS,
      accepted: BALLOT,
      object: RECORD_BYTES,
      chosen: undefined,
      record: Uint8Array.of(4),
      promisedBefore: HIGHER,
      floor: undefined,
    },
  },
  'promised, with a record that is known': {
    type: 'paxos-prepare',
    reply: {
      ...{ type: 'promised', voters: VOTERS, accepted: BALLOT, chosen: BALLOT },
      ...{ object: undefined, record: 'known', promisedBefore: undefined, floor: undefined },
    },
  },
  'not promised': { type: 'paxos-prepare', reply: { ...REJECTED, reason: 'too-far-ahead' } },
  accepted: { type: 'paxos-accept', reply: { type: 'accepted', voters: VOTERS } },
  'not accepted': { type: 'paxos-accept', reply: REJECTED },
  committed: { type: 'paxos-commit', reply: { type: 'committed' } },
  'not committed': {
    type: 'paxos-commit',
    reply: { ...REJECTED, reason: 'collected', highest: undefined, accepted: undefined },
  },
  'keys that rounds have reached': {
    type: 'voted-keys',
    page: { keys: [{ ...SAMPLE_ENTRY, digest: undefined }], next: Uint8Array.of(97, 0, 1) },
  },
  admitted: { type: 'paxos-admit', reply: { type: 'committed' } },
  'not admitted': { type: 'paxos-admit', reply: { ...REJECTED, reason: 'other-voters' } },
  'a view of a key': {
    type: 'paxos-read',
    reply: {
      type: 'key-view',
      voters: VOTERS,
      promised: HIGHER,
      accepted: BALLOT,
      chosen: BALLOT,
      digest: DIGEST,
      record: RECORD_BYTES,
    },
  },
  'no view of a key': { type: 'paxos-read', reply: { ...REJECTED, reason: 'not-voting' } },
  'precondition failed': {
    type: 'coordinate-conditional',
    outcome: {
      ...{ type: 'precondition-failed', record: recordOf(dot('a', 1), 'hello'), quorum: QUORUM },
      wasRefused: true,
    },
  },
  'what became of a write': {
    type: 'coordinate-conditional',
    outcome: { type: 'settled', state: 'superseded', etag: 'e'.repeat(32), quorum: QUORUM },
  },
  'nothing became of a write': {
    type: 'coordinate-conditional',
    outcome: { type: 'settled', state: 'never-applied', etag: undefined, quorum: QUORUM },
  },
  'conditional read': {
    type: 'coordinate-conditional',
    outcome: { type: 'read', record: undefined, quorum: QUORUM },
  },
  'conditional read that took a round': {
    type: 'coordinate-conditional',
    outcome: {
      type: 'read',
      record: undefined,
      quorum: {
        ...QUORUM,
        phases: [
          { phase: 'prepare', ms: 1.5 },
          { phase: 'accept', ms: 2 },
        ],
      },
    },
  },
  'what an acceptor keeps': {
    type: 'inspect-vote',
    view: { promised: HIGHER, accepted: BALLOT, chosen: undefined, notVoting: undefined },
  },
  'why one does not vote': {
    type: 'inspect-vote',
    view: { promised: undefined, accepted: undefined, chosen: undefined, notVoting: 'it has lost something' },
  },
};

const REQUESTS: Readonly<Record<string, PeerRequest>> = {
  read: { type: 'read', ...SAMPLE_ENTRY, known: undefined },
  'read with a digest': { type: 'read', ...SAMPLE_ENTRY, known: new Uint8Array(16).fill(7) },
  store: { type: 'store', ...SAMPLE_ENTRY, record: RECORD_BYTES },
  'store with a hint': { type: 'store', ...SAMPLE_ENTRY, record: RECORD_BYTES, hintFor: 'n4' as NodeId },
  ping: { type: 'ping' },
  get: { type: 'coordinate-get', request: READ },
  'get of a session': { type: 'coordinate-get', request: { ...READ, atLeast: context({ a: [2, 5, 7] }) } },
  'blind put': { type: 'coordinate-put', request: { ...PUT, context: undefined, identity: undefined } },
  put: {
    type: 'coordinate-put',
    request: { ...PUT, context: context({ a: [2, 5, 7] }), identity: { id: 'id-1', firstAttempt: true } },
  },
  delete: {
    type: 'coordinate-delete',
    request: { ...WRITE, context: undefined, identity: { id: 'id-1', firstAttempt: false }, r: 1 },
  },
  'roots of trees': { type: 'tree-roots' },
  'leaves of a tree': { type: 'tree-leaves', tree: TREE },
  'keys of a tree': { type: 'tree-keys', tree: TREE, leaves: [0, 7, 255], after: undefined },
  'keys of a partition': {
    type: 'partition-keys',
    partition: TREE.partition,
    leastN: 2,
    after: undefined,
  },
  'more keys of a partition': {
    type: 'partition-keys',
    partition: TREE.partition,
    leastN: 1,
    after: recordKey(TREE.partition, SAMPLE_ENTRY),
  },
  'more keys of a tree': {
    type: 'tree-keys',
    tree: TREE,
    leaves: [7],
    after: recordKey(TREE.partition, SAMPLE_ENTRY),
  },
  'watch tombstones': {
    type: 'reap-watch',
    ...ROUND,
    entries: [
      { ...SAMPLE_ENTRY, digest: DIGEST },
      { bucket: 'b', key: 'a/b', digest: DIGEST },
    ],
  },
  'watch tombstones to collect': {
    type: 'reap-watch',
    ...ROUND,
    entries: [
      { ...SAMPLE_ENTRY, digest: DIGEST },
      { bucket: 'b', key: 'a/b', digest: DIGEST, chosenAt: BALLOT },
    ],
  },
  'ballot floors': { type: 'floors', node: 'n1' as NodeId, store: STORE_SAMPLE.storeId },
  'settle before tombstones go': { type: 'reap-settle', ...ROUND },
  'check tombstones': { type: 'reap-check', ...ROUND },
  'drop tombstones': { type: 'reap-drop', ...ROUND, places: [0, 1, 1_023] },
  'drop no tombstones': { type: 'reap-drop', ...ROUND, places: [] },
  barrier: { type: 'barrier' },
  ...PAXOS_REQUESTS,
};

const REPLIES: Readonly<Record<string, PeerReply>> = {
  found: { type: 'read', reply: { type: 'found', record: RECORD_BYTES } },
  same: { type: 'read', reply: { type: 'same' } },
  absent: { type: 'read', reply: { type: 'absent' } },
  unreadable: { type: 'read', reply: { type: 'unreadable', reason: 'damaged' } },
  'recovering, and nothing got back': { type: 'read', reply: { type: 'recovering', record: undefined } },
  recovering: { type: 'read', reply: { type: 'recovering', record: RECORD_BYTES } },
  'keys of a partition': {
    type: 'partition-keys',
    page: { keys: [{ ...SAMPLE_ENTRY, digest: DIGEST }], next: undefined },
  },
  stored: { type: 'store', reply: { type: 'stored' } },
  'not stored': { type: 'store', reply: { type: 'store-refused', reason: 'damaged' } },
  pong: { type: 'ping' },
  'tombstones held': { type: 'reap-watch', held: [true, false], votedOn: [] },
  'tombstones held, and voted on': { type: 'reap-watch', held: [true, false, false], votedOn: [1, 2] },
  floors: { type: 'floors', floors: [{ partition: TREE.partition, floor: BALLOT }] },
  'tombstones settled': { type: 'reap-settle' },
  'tombstones intact': { type: 'reap-check', intact: [false, true] },
  'tombstones dropped': { type: 'reap-drop', dropped: 2 },
  'barrier passed': { type: 'barrier' },
  refused: { type: 'request-refused', reason: 'draining' },
  'read nothing': { type: 'coordinate-get', outcome: { type: 'read', record: undefined, quorum: QUORUM } },
  'read a record': {
    type: 'coordinate-get',
    outcome: { type: 'read', record: recordOf(dot('a', 1), 'hello'), quorum: { ...QUORUM, ordered: false } },
  },
  written: {
    type: 'coordinate-put',
    outcome: {
      type: 'written',
      dot: dot('a', 1),
      context: context({ a: [1] }),
      created: true,
      liveSiblings: 1,
      etag: 'e'.repeat(32),
      quorum: QUORUM,
      record: undefined,
    },
  },
  failed: {
    type: 'coordinate-delete',
    outcome: {
      type: 'failed',
      code: 'quorum-timeout',
      certainty: 'unknown',
      detail: '1 of 2',
      required: 2,
      received: 1,
      replicas: [{ node: 'n3' as NodeId, result: 'no-answer', ms: 1.25 }],
    },
  },
  'no roots': { type: 'tree-roots', roots: [], unbuilt: [], doubtful: [] },
  roots: {
    type: 'tree-roots',
    roots: [
      { ...TREE, root: DIGEST },
      { partition: 0 as Partition, n: 1, root: new Uint8Array(16).fill(1) },
    ],
    unbuilt: [7, 65_535].map((partition) => partition as Partition),
    doubtful: [9 as Partition],
  },
  leaves: { type: 'tree-leaves', leaves: Buffer.concat([DIGEST, new Uint8Array(16), DIGEST, DIGEST]) },
  'no keys': { type: 'tree-keys', page: { keys: [], next: undefined } },
  keys: {
    type: 'tree-keys',
    page: {
      keys: [
        { ...SAMPLE_ENTRY, digest: DIGEST },
        { bucket: 'b', key: 'a/b%2F\0é🙂', digest: undefined },
      ],
      next: recordKey(TREE.partition, SAMPLE_ENTRY),
    },
  },
  'failed without figures': {
    type: 'coordinate-put',
    outcome: { type: 'failed', code: 'internal', certainty: 'not-applied', detail: '' },
  },
  ...PAXOS_REPLIES,
};

export const MESSAGE_SAMPLES: Readonly<Record<string, PeerMessage>> = {
  hello: { type: 'hello', hello: HELLO_SAMPLE, proof: undefined },
  'hello with proof': { type: 'hello', hello: HELLO_SAMPLE, proof: new Uint8Array(32).fill(5) },
  'hello of a node that lost something, to one that is remembered': {
    type: 'hello',
    hello: {
      ...HELLO_SAMPLE,
      openedAt: 70_000,
      earlier: OPENINGS_SAMPLE,
      lost: [STORE_SAMPLE.storeId],
      remembered: MARK_SAMPLE,
    },
    proof: undefined,
  },
  proof: { type: 'proof', proof: new Uint8Array(32).fill(6) },
  refusal: { type: 'refused', reason: 'another cluster' },
  'request with a sequence number': {
    type: 'request',
    id: 300,
    sequence: 70_000,
    request: { type: 'ping' },
  },
  notice: { type: 'request', id: 300, sequence: 70_000, isNotice: true, request: { type: 'ping' } },
  'request with the time at which it was made': {
    type: 'request',
    id: 300,
    sequence: 70_000,
    madeAtMs: 1_234.5,
    request: { type: 'coordinate-conditional', request: { ...CONDITIONAL, operation: { type: 'read' } } },
  },
  'request made before the clock of its receiver began': {
    type: 'request',
    id: 300,
    sequence: 70_000,
    madeAtMs: -0.25,
    request: { type: 'ping' },
  },
  'hello with a clock': {
    type: 'hello',
    hello: HELLO_SAMPLE,
    proof: new Uint8Array(32).fill(5),
    clockMs: 2 ** 33 + 0.125,
  },
  'reply with a clock': {
    type: 'reply',
    id: 7,
    sequence: 70_000,
    clockMs: 1_234.5,
    reply: { type: 'ping' },
  },
  ...messages('request', REQUESTS, (request) => ({ type: 'request', id: 300, request })),
  ...messages('reply', REPLIES, (reply) => ({ type: 'reply', id: 7, sequence: 70_000, reply })),
};

function messages<Part>(
  kind: string,
  parts: Readonly<Record<string, Part>>,
  wrap: (part: Part) => PeerMessage,
): Readonly<Record<string, PeerMessage>> {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [`${kind}: ${name}`, wrap(part)]));
}
