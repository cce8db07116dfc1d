import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/codec/format-error.ts';
import { decodeMessage, encodeMessage, type PeerMessage } from '../../src/codec/message-codec.ts';
import { packFields } from '../../src/codec/packer.ts';
import type { PeerReply, PeerRequest } from '../../src/core/message.ts';
import { FAILURE_CODES, REPLICA_RESULTS } from '../../src/core/outcome.ts';
import type { NodeId, Partition } from '../../src/core/ids.ts';
import { MAX_NODES, MAX_PARTITIONS, MAX_TIMEOUT_MS, MAX_TREE_KEYS } from '../../src/core/limits.ts';
import { MAX_TREE_LEAVES, TREE_DIGEST_BYTES } from '../../src/core/merkle/digest-tree.ts';
import { contexts, entryNames, records } from './arbitraries.ts';
import { comparable } from './comparable.ts';
import { MESSAGE_SAMPLES } from './format-samples.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const quorums = fc.tuple(fc.integer({ min: 1, max: MAX_NODES }), fc.integer({ min: 1, max: MAX_NODES }));

/** N, and how many of them are waited for. */
const nAndPart = quorums.map(([a, b]) => ({ n: Math.max(a, b), part: Math.min(a, b) }));

const readRequests = fc
  .tuple(entryNames, nAndPart, fc.boolean(), fc.double({ min: 0, max: MAX_TIMEOUT_MS, noNaN: true }))
  .map(([entry, { n, part }, sloppy, timeoutMs]) => ({ ...entry, n, r: part, sloppy, timeoutMs }));
const writeRequests = fc
  .tuple(
    readRequests,
    fc.option(contexts, { nil: undefined }),
    fc.option(fc.record({ id: fc.stringMatching(/^[!-~]{1,40}$/), firstAttempt: fc.boolean() }), {
      nil: undefined,
    }),
    fc.boolean(),
  )
  .map(([{ r, ...request }, context, identity, returnRecord]) => ({
    ...request,
    w: r,
    context,
    identity,
    returnRecord,
  }));

const partitions = fc.nat(MAX_PARTITIONS - 1).map((partition) => partition as Partition);
const trees = fc.record({ partition: partitions, n: fc.integer({ min: 1, max: MAX_NODES }) });
const digests = fc.uint8Array({ minLength: TREE_DIGEST_BYTES, maxLength: TREE_DIGEST_BYTES });

const treeRequests: fc.Arbitrary<PeerRequest> = fc.oneof(
  fc.constant<PeerRequest>({ type: 'tree-roots' }),
  trees.map((tree): PeerRequest => ({ type: 'tree-leaves', tree })),
  fc.record<PeerRequest & { type: 'tree-keys' }>({
    type: fc.constant('tree-keys'),
    tree: trees,
    leaves: fc.array(fc.nat(MAX_TREE_LEAVES - 1), { maxLength: MAX_TREE_LEAVES }),
    after: fc.option(bytes, { nil: undefined }),
  }),
);

const treeReplies: fc.Arbitrary<PeerReply> = fc.oneof(
  fc.record<PeerReply & { type: 'tree-roots' }>({
    type: fc.constant('tree-roots'),
    unbuilt: fc.array(partitions, { maxLength: 10 }),
    doubtful: fc.array(partitions, { maxLength: 10 }),
    roots: fc.array(
      fc.tuple(trees, digests).map(([tree, root]) => ({ ...tree, root })),
      { maxLength: 10 },
    ),
  }),
  fc
    .nat(MAX_TREE_LEAVES)
    .map(
      (leaves): PeerReply => ({ type: 'tree-leaves', leaves: new Uint8Array(leaves * TREE_DIGEST_BYTES) }),
    ),
  fc
    .record({
      keys: fc.array(
        fc
          .tuple(entryNames, fc.option(digests, { nil: undefined }))
          .map(([entry, digest]) => ({ ...entry, digest })),
        { maxLength: 10 },
      ),
      next: fc.option(bytes, { nil: undefined }),
    })
    .map((page): PeerReply => ({ type: 'tree-keys', page })),
);

const requests: fc.Arbitrary<PeerRequest> = fc.oneof(
  treeRequests,
  fc
    .tuple(entryNames, fc.option(bytes, { nil: undefined }))
    .map(([entry, known]): PeerRequest => ({ type: 'read', ...entry, known })),
  fc.tuple(entryNames, bytes).map(([entry, record]): PeerRequest => ({ type: 'store', ...entry, record })),
  fc.tuple(entryNames, bytes, fc.constantFrom('n1', 'n2')).map(
    ([entry, record, owner]): PeerRequest => ({
      type: 'store',
      ...entry,
      record,
      hintFor: owner as NodeId,
    }),
  ),
  readRequests.map((request): PeerRequest => ({ type: 'coordinate-get', request })),
  fc.tuple(writeRequests, fc.string(), bytes).map(
    ([request, contentType, value]): PeerRequest => ({
      type: 'coordinate-put',
      request: { ...request, contentType, value },
    }),
  ),
  fc.tuple(writeRequests, fc.integer({ min: 1, max: MAX_NODES })).map(
    ([request, r]): PeerRequest => ({
      type: 'coordinate-delete',
      request: { ...request, r: request.context === undefined ? Math.min(r, request.n) : request.n },
    }),
  ),
);

const facts = fc
  .tuple(nAndPart, fc.boolean(), fc.boolean(), fc.constantFrom('n1', 'n2'))
  .map(([{ n, part }, sloppy, ordered, coordinator]) => ({
    n,
    required: part,
    acks: part,
    sloppy,
    ordered,
    coordinator,
  }));
const optionalRecords = fc.option(records, { nil: undefined });
const reports = fc.record({
  node: fc.constantFrom('n1', 'n2'),
  result: fc.constantFrom(...REPLICA_RESULTS),
  ms: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
});
const failures = fc.record(
  {
    type: fc.constant('failed'),
    code: fc.constantFrom(...FAILURE_CODES),
    certainty: fc.constantFrom('not-applied', 'unknown'),
    detail: fc.string(),
    required: fc.nat(),
    received: fc.nat(),
    replicas: fc.array(reports, { maxLength: 5 }),
  },
  { requiredKeys: ['type', 'code', 'certainty', 'detail'] },
);
const reads = fc.record({ type: fc.constant('read'), record: optionalRecords, quorum: facts });

const replies = fc.oneof(
  treeReplies,
  bytes.map((record) => ({ type: 'read', reply: { type: 'found', record } })),
  fc.string().map((reason) => ({ type: 'read', reply: { type: 'unreadable', reason } })),
  fc
    .option(bytes, { nil: undefined })
    .map((record) => ({ type: 'read', reply: { type: 'recovering', record } })),
  fc.string().map((reason) => ({ type: 'store', reply: { type: 'store-refused', reason } })),
  fc.string().map((reason) => ({ type: 'request-refused', reason })),
  fc.oneof(failures, reads).map((outcome) => ({ type: 'coordinate-get', outcome })),
  failures.map((outcome) => ({ type: 'coordinate-put', outcome })),
  failures.map((outcome) => ({ type: 'coordinate-delete', outcome })),
) as fc.Arbitrary<PeerReply>;

/** Monotonic clocks; 0 is -0 in no message. */
const times = fc.double({ noNaN: true, noDefaultInfinity: true }).map((ms) => ms + 0);

const messages: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.constantFrom(...Object.values(MESSAGE_SAMPLES)),
  fc.tuple(fc.maxSafeNat(), requests).map(([id, request]): PeerMessage => ({ type: 'request', id, request })),
  fc
    .tuple(fc.maxSafeNat(), fc.maxSafeNat(), requests)
    .map(([id, sequence, request]): PeerMessage => ({ type: 'request', id, sequence, request })),
  fc
    .tuple(fc.maxSafeNat(), fc.maxSafeNat(), requests)
    .map(
      ([id, sequence, request]): PeerMessage => ({ type: 'request', id, sequence, isNotice: true, request }),
    ),
  fc.tuple(fc.maxSafeNat(), fc.maxSafeNat(), times, requests).map(
    ([id, sequence, madeAtMs, request]): PeerMessage => ({
      type: 'request',
      id,
      sequence,
      madeAtMs,
      request,
    }),
  ),
  fc
    .tuple(fc.maxSafeNat(), fc.maxSafeNat(), times.map(Math.abs), replies)
    .map(([id, sequence, clockMs, reply]): PeerMessage => ({ type: 'reply', id, sequence, clockMs, reply })),
  fc
    .tuple(fc.maxSafeNat(), fc.maxSafeNat(), replies)
    .map(([id, sequence, reply]): PeerMessage => ({ type: 'reply', id, sequence, reply })),
);

describe('a message between nodes', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(comparable(decodeMessage(encodeMessage(message)))).toBe(comparable(message));
      }),
      { numRuns: 1_000 },
    );
  });

  it('of random or damaged bytes is refused, or is a message that can be sent again', () => {
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(messages.map(encodeMessage))), (hostile) => {
        const message = refusedOr(() => decodeMessage(hostile));
        if (message === undefined) return;
        expect(comparable(decodeMessage(encodeMessage(message)))).toBe(comparable(message));
      }),
      { numRuns: 5_000 },
    );
  });

  it('is refused if it is cut short, anywhere', () => {
    for (const message of Object.values(MESSAGE_SAMPLES)) {
      const whole = encodeMessage(message);
      for (let length = 0; length < whole.length; length += 1) {
        expect(() => decodeMessage(whole.subarray(0, length))).toThrow(FormatError);
      }
    }
  });

  it('carries a deadline no longer than any request may have', () => {
    const { request } = MESSAGE_SAMPLES['request: get'] as { request: { request: object } };
    const long = { type: 'coordinate-get', request: { ...request.request, timeoutMs: 1e9 } } as PeerRequest;
    const decoded = decodeMessage(encodeMessage({ type: 'request', id: 1, request: long }));
    expect(decoded).toMatchObject({ request: { request: { timeoutMs: MAX_TIMEOUT_MS } } });
  });

  it('that deletes with a context does not carry an R that nobody uses', () => {
    const { request } = MESSAGE_SAMPLES['request: delete'] as { request: { request: object } };
    const context = { vector: new Map(), cloud: new Map() };
    const changed = { ...request.request, context, r: 1_000 };
    const large = { type: 'coordinate-delete', request: changed } as unknown as PeerRequest;
    const decoded = decodeMessage(encodeMessage({ type: 'request', id: 1, request: large }));
    expect(decoded).toMatchObject({ request: { request: { n: 3, r: 3 } } });
  });
});

describe('a message that no node of ours sends is refused:', () => {
  const GET: readonly unknown[] = [3, 1, 2, 'b', 'k', 3, 2, true, 5_000, null];
  const KEYS: readonly unknown[] = [3, 1, 8, 5, 3, [0, 255], null];
  const DIGEST = new Uint8Array(TREE_DIGEST_BYTES);

  function pageOf(keys: number): readonly unknown[] {
    return Array.from({ length: keys }, (_, index) => ['b', `k${index}`, DIGEST]).flat();
  }

  function withField(index: number, value: unknown): readonly unknown[] {
    return GET.with(index, value);
  }

  it.each<readonly [string, readonly unknown[]]>([
    ['nothing', []],
    ['an unknown kind', [9]],
    ['a kind that is text', ['hello']],
    ['an unknown request', [3, 1, 99]],
    ['an unknown reply', [4, 1, 0, 99]],
    ['an unknown answer of a replica', [4, 1, 0, 0, 9]],
    ['an unknown outcome', [4, 1, 0, 2, 9]],
    ['a get that ends as a write', [4, 1, 0, 2, 3, null, [3, 2, 2, false, false, 'n1']]],
    ['a put that ends as a read', [4, 1, 0, 3, 1, null, [3, 2, 2, false, false, 'n1']]],
    ['a delete that ends as a read', [4, 1, 0, 4, 1, null, [3, 2, 2, false, false, 'n1']]],
    ['a failure of an unknown code', [4, 1, 0, 2, 0, 'made-up', 'unknown', '', null, null, null]],
    ['a request number below 0', GET.with(1, -1)],
    ['a bucket with a zero byte', withField(3, 'a\0b')],
    ['a bucket that is empty', withField(3, '')],
    ['a bucket that is too long', withField(3, 'b'.repeat(65))],
    ['a key that is empty', withField(4, '')],
    ['a key of 1,025 bytes', withField(4, 'k'.repeat(1_025))],
    ['a key of 1,026 bytes in 513 characters', withField(4, 'é'.repeat(513))],
    ['N of 0', withField(5, 0)],
    ['N above any cluster', withField(5, 65)],
    ['R above N', withField(6, 4)],
    ['a deadline before now', withField(8, -1)],
    ['a deadline that is no number', withField(8, Number.NaN)],
    ['a field too many', [...GET, 1]],
    ['a partition below 0', KEYS.with(3, -1)],
    ['a partition above any ring', KEYS.with(3, MAX_PARTITIONS)],
    ['a tree of no copies', KEYS.with(4, 0)],
    ['a tree of more copies than nodes may be', KEYS.with(4, MAX_NODES + 1)],
    ['a leaf below 0', KEYS.with(5, [-1])],
    ['a leaf above any tree', KEYS.with(5, [MAX_TREE_LEAVES])],
    ['more leaves than a tree has', KEYS.with(5, Array(MAX_TREE_LEAVES + 1).fill(0))],
    ['leaves that are no list', KEYS.with(5, 0)],
    ['a place that is text', KEYS.with(6, 'after')],
    ['a tree request with a field too many', [...KEYS, 1]],
    ['a root that is no digest', [4, 1, 0, 7, [], [], 5, 3, DIGEST.subarray(1)]],
    ['a root without a tree', [4, 1, 0, 7, [], [], DIGEST]],
    ['an unbuilt partition above any ring', [4, 1, 0, 7, [MAX_PARTITIONS], []]],
    ['a partition in doubt above any ring', [4, 1, 0, 7, [], [MAX_PARTITIONS]]],
    ['a tree with half a leaf', [4, 1, 0, 8, new Uint8Array(24)]],
    [
      'a tree with more leaves than any',
      [4, 1, 0, 8, new Uint8Array((MAX_TREE_LEAVES + 1) * TREE_DIGEST_BYTES)],
    ],
    ['a listed key in a bucket with a zero byte', [4, 1, 0, 9, null, ['a\0b', 'k', DIGEST]]],
    ['a listed key that is empty', [4, 1, 0, 9, null, ['b', '', DIGEST]]],
    ['a listed key of 1,026 bytes in 513 characters', [4, 1, 0, 9, null, ['b', 'é'.repeat(513), DIGEST]]],
    ['a listed digest that is none', [4, 1, 0, 9, null, ['b', 'k', new Uint8Array(17)]]],
    ['a listed key without a digest', [4, 1, 0, 9, null, ['b', 'k']]],
    ['more keys than a page holds', [4, 1, 0, 9, null, pageOf(MAX_TREE_KEYS + 1)]],
  ])('%s', (_, fields) => {
    expect(() => decodeMessage(packFields(fields))).toThrow(FormatError);
  });

  it('while the messages that these were made from are taken', () => {
    expect(decodeMessage(packFields(GET))).toMatchObject({
      request: { request: { bucket: 'b', n: 3, r: 2 } },
    });
    expect(decodeMessage(packFields(KEYS))).toMatchObject({
      request: { leaves: [0, 255], after: undefined },
    });
    expect(decodeMessage(packFields([4, 1, 0, 7, [65_535], [9], 5, 3, DIGEST]))).toMatchObject({
      reply: { unbuilt: [65_535], doubtful: [9], roots: [{ partition: 5, n: 3 }] },
    });
    const page = decodeMessage(packFields([4, 1, 0, 9, null, pageOf(MAX_TREE_KEYS)]));
    expect(page).toMatchObject({ reply: { page: { keys: { length: MAX_TREE_KEYS } } } });
  });
});

describe('a hello of another protocol version', () => {
  it('is read as far as all versions are alike, so that it can be refused with the reason', () => {
    const nonce = new Uint8Array(16);
    for (const rest of [[], [null], ['what', 1, [null]]]) {
      const fields = [0, 1, 'local', 'n1', 'store', 'incarnation', 'epoch', nonce, ...rest];
      expect(decodeMessage(packFields(fields))).toMatchObject({
        type: 'hello',
        hello: { protocolVersion: 1, cluster: 'local', nodeId: 'n1' },
      });
    }
  });
});
