import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/codec/format-error.ts';
import { decodeMessage, encodeMessage, type PeerMessage } from '../../src/codec/message-codec.ts';
import { packFields } from '../../src/codec/packer.ts';
import type { PeerReply, PeerRequest } from '../../src/core/message.ts';
import { FAILURE_CODES, REPLICA_RESULTS } from '../../src/core/outcome.ts';
import { MAX_NODES, MAX_TIMEOUT_MS } from '../../src/core/limits.ts';
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

const requests: fc.Arbitrary<PeerRequest> = fc.oneof(
  fc
    .tuple(entryNames, fc.option(bytes, { nil: undefined }))
    .map(([entry, known]): PeerRequest => ({ type: 'read', ...entry, known })),
  fc.tuple(entryNames, bytes).map(([entry, record]): PeerRequest => ({ type: 'store', ...entry, record })),
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
  bytes.map((record) => ({ type: 'read', reply: { type: 'found', record } })),
  fc.string().map((reason) => ({ type: 'read', reply: { type: 'unreadable', reason } })),
  fc.string().map((reason) => ({ type: 'store', reply: { type: 'store-refused', reason } })),
  fc.string().map((reason) => ({ type: 'request-refused', reason })),
  fc.oneof(failures, reads).map((outcome) => ({ type: 'coordinate-get', outcome })),
  failures.map((outcome) => ({ type: 'coordinate-put', outcome })),
  fc.tuple(optionalRecords, facts).map(([record, quorum]) => ({
    type: 'coordinate-delete',
    outcome: { type: 'nothing-to-delete', record, quorum },
  })),
) as fc.Arbitrary<PeerReply>;

const messages: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.constantFrom(...Object.values(MESSAGE_SAMPLES)),
  fc.tuple(fc.maxSafeNat(), requests).map(([id, request]): PeerMessage => ({ type: 'request', id, request })),
  fc.tuple(fc.maxSafeNat(), replies).map(([id, reply]): PeerMessage => ({ type: 'reply', id, reply })),
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
  const GET: readonly unknown[] = [3, 1, 2, 'b', 'k', 3, 2, true, 5_000];

  function withField(index: number, value: unknown): readonly unknown[] {
    return GET.with(index, value);
  }

  it.each<readonly [string, readonly unknown[]]>([
    ['nothing', []],
    ['an unknown kind', [9]],
    ['a kind that is text', ['hello']],
    ['an unknown request', [3, 1, 99]],
    ['an unknown reply', [4, 1, 99]],
    ['an unknown answer of a replica', [4, 1, 0, 9]],
    ['an unknown outcome', [4, 1, 2, 9]],
    ['a get that ends as a write', [4, 1, 2, 3, null, [3, 2, 2, false, false, 'n1']]],
    ['a put that ends as a read', [4, 1, 3, 1, null, [3, 2, 2, false, false, 'n1']]],
    ['a delete that ends as a read', [4, 1, 4, 1, null, [3, 2, 2, false, false, 'n1']]],
    ['a failure of an unknown code', [4, 1, 2, 0, 'made-up', 'unknown', '', null, null, null]],
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
  ])('%s', (_, fields) => {
    expect(() => decodeMessage(packFields(fields))).toThrow(FormatError);
  });

  it('while the message that these were made from is taken', () => {
    expect(decodeMessage(packFields(GET))).toMatchObject({
      request: { request: { bucket: 'b', n: 3, r: 2 } },
    });
  });
});
