/** What fast-check draws for the formats: names, contexts and records as they can really be. */
import fc from 'fast-check';
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../src/core/causality/causal-context.ts';
import { actorId, compareDots, type Dot, formatDot, paxosDot } from '../../src/core/causality/dot.ts';
import type { KeyRecord, RememberedWrite, Sibling, SiblingContent } from '../../src/core/causality/record.ts';
import { compareRememberedWrites, refusedWrite } from '../../src/core/causality/remembered-writes.ts';
import type { EntryName, Incarnation, NodeId } from '../../src/core/ids.ts';
import { ballotOf, timeOfBallot } from '../../src/core/paxos/ballot.ts';
import {
  MAX_CONTENT_TYPE_CHARACTERS,
  MAX_KEY_BYTES,
  MAX_NODES,
  MAX_WRITE_ID_CHARACTERS,
  MAX_WRITE_IDS,
} from '../../src/core/limits.ts';

const buckets = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
  fc.constantFrom('__proto__', 'constructor', 'a'.repeat(64)),
);

/** Any text of 1 to 1,024 bytes of UTF-8: names of properties, slashes, zero bytes, emoji. */
const keys = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    '__proto__',
    'toString',
    '\0',
    'a\0b',
    'a/b',
    '%2F',
    '🙂',
    'é',
    'e\u0301',
    'k'.repeat(MAX_KEY_BYTES),
  ),
);

export const entryNames: fc.Arbitrary<EntryName> = fc
  .record({ bucket: buckets, key: keys })
  .filter(({ key }) => Buffer.byteLength(key) <= MAX_KEY_BYTES);

export const incarnations = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url') as Incarnation);

export const ballots = fc
  .record({
    timeMs: fc.nat(),
    logical: fc.nat(3),
    node: fc.constantFrom(...(['n1', 'a.b', '-'] as NodeId[])),
    incarnation: incarnations,
  })
  .map(ballotOf);

const counters = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) },
);
const epochs = fc.oneof(fc.nat(3), fc.maxSafeNat());

/** Dots of a few actors, some of them of one incarnation; each dot once. */
const dotLists: fc.Arbitrary<readonly Dot[]> = fc
  .uniqueArray(fc.tuple(incarnations, epochs), { minLength: 1, maxLength: 4 })
  .chain((actors) => {
    const another = actors.map(([incarnation, epoch]) => [incarnation, epoch === 0 ? 1 : 0] as const);
    const names = [...actors, ...another].map(([incarnation, epoch]) => actorId(incarnation, epoch));
    const dots = fc.record({ actor: fc.constantFrom(...names), counter: counters });
    const ofPaxos = ballots.map(paxosDot);
    return fc.uniqueArray<Dot, string>(
      fc.oneof({ weight: 9, arbitrary: dots }, { weight: 3, arbitrary: ofPaxos }),
      { selector: formatDot, maxLength: 30 },
    );
  });

function contextOf(dots: readonly Dot[]): CausalContext {
  return dots.reduce(withDot, EMPTY_CONTEXT);
}

export const contexts: fc.Arbitrary<CausalContext> = dotLists.map(contextOf);

const times = fc.oneof(fc.nat(5), fc.maxSafeNat());
const writeIds = fc.stringMatching(/^[!-~]{1,64}$/).map((id) => id.slice(0, MAX_WRITE_ID_CHARACTERS));
const contents: fc.Arbitrary<SiblingContent> = fc.oneof(
  fc.constant<SiblingContent>({ type: 'tombstone' }),
  fc.record<SiblingContent & { type: 'value' }>({
    type: fc.constant('value'),
    contentType: fc.stringMatching(/^[ -~]{0,60}$/).map((text) => text.slice(0, MAX_CONTENT_TYPE_CHARACTERS)),
    bytes: fc.uint8Array({ maxLength: 300 }),
  }),
);

/** Siblings with some of the dots. */
function siblingsOf(dots: readonly Dot[]): fc.Arbitrary<readonly Sibling[]> {
  return fc
    .shuffledSubarray([...dots], { maxLength: Math.min(dots.length, 5) })
    .chain((chosen) => fc.tuple(...chosen.toSorted(compareDots).map(siblingOf)));
}

function siblingOf(dot: Dot): fc.Arbitrary<Sibling> {
  return fc.record({
    dot: fc.constant(dot),
    content: contents,
    writtenAtMs: times,
    writeId: fc.option(writeIds, { nil: undefined }),
  });
}

const rememberedByRounds: fc.Arbitrary<RememberedWrite> = fc
  .record({
    id: fc.oneof(writeIds, fc.uuid(), incarnations),
    ballot: ballots,
    requestDigest: fc.stringMatching(/^[0-9a-f]{16}$/),
    seenDigest: fc.integer({ min: 0, max: 0xffff_ffff }),
    created: fc.boolean(),
    isRefused: fc.boolean(),
  })
  .map(({ ballot, isRefused, ...write }) =>
    isRefused
      ? refusedWrite(write.id, paxosDot(ballot), timeOfBallot(ballot))
      : { ...write, dot: paxosDot(ballot), writtenAtMs: timeOfBallot(ballot) },
  );

const rememberedOfPlainWrites: fc.Arbitrary<RememberedWrite> = fc.record({
  id: writeIds,
  dot: fc.record({
    actor: fc.tuple(incarnations, epochs).map((parts) => actorId(...parts)),
    counter: counters,
  }),
  requestDigest: fc.stringMatching(/^[0-9a-f]{16}$/),
  seenDigest: fc.integer({ min: 0, max: 0xffff_ffff }),
  created: fc.boolean(),
  writtenAtMs: times,
});

const remembered = fc.oneof(rememberedOfPlainWrites, rememberedByRounds);

/** Records that keep the invariants which decoding asks for. */
export const records: fc.Arbitrary<KeyRecord> = dotLists.chain((dots) =>
  fc.record({
    siblings: siblingsOf(dots),
    context: fc.constant(contextOf(dots)),
    writes: fc
      .uniqueArray(remembered, {
        maxLength: MAX_WRITE_IDS,
        comparator: (a, b) => compareRememberedWrites(a, b) === 0,
      })
      .map((writes) => writes.toSorted(compareRememberedWrites)),
    largestN: fc.integer({ min: 1, max: MAX_NODES }),
  }),
);
