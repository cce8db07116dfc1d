/**
 * Planted bugs in conditional writes: rules that core/paxos and protocol/paxos rest on, dropped. What shows in one of hundreds of
 * runs only is shown by the scenario of its interleaving. All rules of core/paxos are planted in the model, too, which runs
 * a thousand times as many histories (test/core/paxos/model/wrong-rules.ts); refusals that count as proof of what they do not
 * prove only there.
 */
import type { Edit, Mutant } from './mutant.ts';

const CONDITIONAL = { profile: 'conditional', operations: 600 } as const;

const ACCEPTOR = 'src/core/paxos/acceptor.ts';
const ROUND = 'src/core/paxos/round.ts';
const SERVING = 'src/protocol/replica/acceptor.ts';
const ROUTER = 'src/protocol/coordinator/operation-router.ts';

export const CONDITIONAL_MUTANTS: readonly Mutant[] = [
  {
    ...CONDITIONAL,
    id: 'ghosts-joined',
    bug: 'All that was accepted is joined, instead of that of the highest ballot.',
    edits: [
      edit(
        'src/core/paxos/current-object.ts',
        'current = joinIfAny(current, promise.record);',
        'current = joinIfAny(joinIfAny(current, promise.record), promise.object);',
      ),
    ],
    invariant: 'scenario',
    scenario: 'ghosts-in-the-join',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'dirty-accepted',
    bug: 'An object is accepted that does not know what the replica has stored since its promise.',
    edits: [
      edit(
        ACCEPTOR,
        "  if (!node.records.isWithin(record, object)) return rejected(held, 'dirty', node);\n",
        '',
      ),
    ],
    invariant: 'scenario',
    scenario: 'dirty-reject',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'base-of-another-record',
    bug: 'Whatever names a base is taken to be made of what lies here.',
    edits: [
      edit(
        'src/codec/encoded-record.ts',
        'return this.base !== undefined && sameBytes(this.base, other.digest);',
        'return this.base !== undefined && other.bytes.length > 0;',
      ),
    ],
    invariant: 'scenario',
    scenario: 'dirty-reject',
    maxSeeds: 40,
  },
  {
    ...CONDITIONAL,
    id: 'promise-not-asked',
    bug: 'An accept is taken though a higher ballot was promised.',
    edits: [
      edit(
        ACCEPTOR,
        'if (isAbove(highestBallot(state.promised, state.accepted, state.chosen), ballot))',
        'if (isAbove(highestBallot(state.accepted, state.chosen), ballot))',
      ),
    ],
    invariant: 'second-dot',
    maxSeeds: 60,
  },
  {
    ...CONDITIONAL,
    id: 'refusal-unwritten',
    bug: 'A write is refused by what a quorum of promises shows, whether that is chosen or not.',
    edits: [
      edit(
        ROUND,
        'if (!isAnswer || !isSettled(promises, this.#strictness)) return step;',
        'if (!isAnswer) return step;',
      ),
      edit(
        ROUND,
        "import { currentObject, isSettled } from './current-object.ts';",
        "import { currentObject } from './current-object.ts';",
      ),
    ],
    invariant: 'not-linearizable',
    maxSeeds: 60,
  },
  {
    ...CONDITIONAL,
    id: 'read-without-ballots',
    bug: 'A linearizable read compares what replicas hold, and neither ballots nor promises.',
    edits: [
      edit(
        'src/core/paxos/linearizable-read.ts',
        "return view.voters === voters && (mode === 'cas' || !isAbove(view.promised, heldBallot(view)));",
        'return view.voters === voters;',
      ),
      edit(
        'src/core/paxos/linearizable-read.ts',
        "const name = `${heldBallot(view) ?? ''} ${view.digest}`;",
        'const name = view.digest;',
      ),
      edit(
        'src/core/paxos/linearizable-read.ts',
        "import { type Ballot, isAbove } from './ballot.ts';",
        "import type { Ballot } from './ballot.ts';",
      ),
      edit('src/core/paxos/linearizable-read.ts', "import { heldBallot } from './acceptor-state.ts';", ''),
      edit(
        'src/core/paxos/linearizable-read.ts',
        'const { voters, mode } = this.#options;',
        'const { voters } = this.#options;',
      ),
    ],
    invariant: 'not-linearizable',
    maxSeeds: 100,
  },
  {
    ...CONDITIONAL,
    id: 'acceptance-before-sync',
    bug: 'An acceptance is answered before it is durable.',
    edits: [
      edit(
        SERVING,
        'if (write !== undefined) await this.#keep(request, held, write, isHurried);',
        "if (write !== undefined) { const kept = this.#keep(request, held, write, isHurried).catch(() => {}); if (request.type !== 'paxos-accept') await kept; }",
      ),
    ],
    invariant: 'answered-before-chosen',
    maxSeeds: 20,
  },
  {
    ...CONDITIONAL,
    id: 'promise-before-sync',
    bug: 'A promise is answered before it is durable.',
    edits: [
      edit(
        SERVING,
        'if (write !== undefined) await this.#keep(request, held, write, isHurried);',
        "if (write !== undefined) { const kept = this.#keep(request, held, write, isHurried).catch(() => {}); if (request.type !== 'paxos-prepare') await kept; }",
      ),
    ],
    invariant: 'scenario',
    scenario: 'promise-outlives-power',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'one-round-trip-beside-plain-writes',
    bug: 'Promises are had beforehand in buckets of plain writes, too.',
    edits: [
      edit(
        'src/protocol/paxos/key-queue.ts',
        "...(mode === 'cas' ? { next: this.#ballots.after(ballot) } : {}),",
        "...(mode === 'cas' || mode === 'mixed' ? { next: this.#ballots.after(ballot) } : {}),",
      ),
    ],
    invariant: 'scenario',
    scenario: 'plain-write-between-two-rounds',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'judge-gives-up',
    bug: 'None in the store: who judges its histories gives up at once.',
    edits: [
      edit(
        'test/sim/linearizability/object-search.ts',
        'const DEFAULT_MAX_STEPS = 100_000;',
        'const DEFAULT_MAX_STEPS = 10;',
      ),
    ],
    invariant: 'linearizability-undecided',
    only: 'mixed',
    maxSeeds: 10,
  },
  {
    ...CONDITIONAL,
    id: 'fallback-votes',
    bug: 'A fallback votes in the place of a home replica that is away, as if it were one of the same majority.',
    edits: [
      edit(
        ROUTER,
        "return type !== 'coordinate-conditional' && request.sloppy;",
        "return type === 'coordinate-conditional' || request.sloppy;",
      ),
      edit(
        ROUTER,
        'const outcome = await conditionals.coordinate(request, nodes.homes, onTheWayMs);',
        `const { replicas } = this.#ports;
        const voters = nodes.homes.map((home, place) =>
          replicas.state(home) === 'up' ? home : (nodes.fallbacks[place] ?? home));
        const outcome = await conditionals.coordinate(request, voters, onTheWayMs);`,
      ),
      edit(
        'src/protocol/paxos/standing.ts',
        '    if (!homes.includes(self)) return noVoter(`${self} is no home replica of this key`);\n',
        '',
      ),
    ],
    invariant: 'answered-before-chosen',
    maxSeeds: 60,
  },
  {
    ...CONDITIONAL,
    id: 'wiped-voter-votes',
    bug: 'A home replica that lost its disk votes at once.',
    edits: [
      edit(ACCEPTOR, 'admittedAs === store', 'store !== admittedAs || store === admittedAs'),
      edit('src/protocol/paxos/standing.ts', 'if (mayLack(entry))', "if (mayLack(entry) && self === '')"),
    ],
    invariant: 'not-linearizable',
    only: 'wiped',
    maxSeeds: 250,
  },
  {
    ...CONDITIONAL,
    id: 'write-id-not-looked-for',
    bug: 'A conditional write that is sent again is carried out again.',
    edits: [
      edit(
        'src/core/paxos/round-plan.ts',
        'const earlier = decideByIdentity(record,',
        'const earlier = decideByIdentity(undefined,',
      ),
    ],
    invariant: 'not-applied-was-applied',
    maxSeeds: 60,
  },
  {
    ...CONDITIONAL,
    id: 'nobody-sweeps',
    bug: 'Rounds that their coordinator left are never finished.',
    edits: [
      edit(
        'src/protocol/paxos/sweeper.ts',
        '[...acceptors.unfinished]).slice(0, SWEEP_CONCURRENCY)',
        '[...acceptors.unfinished]).slice(SWEEP_CONCURRENCY * 1_000)',
      ),
    ],
    invariant: 'unfinished-round',
    maxSeeds: 60,
  },
  {
    ...CONDITIONAL,
    id: 'plain-read-beside-round',
    bug: 'A plain read answers beside a round of which it was told that it is not finished.',
    edits: [
      edit(
        'src/protocol/coordinator/get-coordinator.ts',
        'return r + majority(n) > n;',
        'return r + majority(n) <= n;',
      ),
    ],
    invariant: 'read-missed-acknowledged-write',
    maxSeeds: 120,
  },
  {
    ...CONDITIONAL,
    id: 'restarted-node-votes',
    bug: 'A process that was started again votes before others have had their say on its store.',
    edits: [
      edit(
        'src/protocol/peers/store-memory.ts',
        'this.#met.has(peer)',
        '(this.#met.has(peer) || peer.length > 0)',
      ),
    ],
    invariant: 'scenario',
    scenario: 'voter-rolled-back',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'answered-by-one-acceptance',
    bug: 'A write is answered when one replica less than a majority has accepted it.',
    edits: [
      edit(
        ROUND,
        'if (this.#accepts.size < this.#options.quorum) return WAIT;',
        'if (this.#accepts.size < this.#options.quorum - 1) return WAIT;',
      ),
    ],
    invariant: 'answered-before-chosen',
    maxSeeds: 10,
  },
  {
    ...CONDITIONAL,
    id: 'sent-as-not-applied',
    bug: 'A write that ran out of time counts as not applied, though it was proposed.',
    edits: [
      edit(
        'src/core/paxos/write-certainty.ts',
        'return firstAttempt && rounds.every(({ exposed }) => exposed === undefined)',
        'return firstAttempt && rounds.length < 1_000',
      ),
    ],
    invariant: 'not-applied-was-applied',
    maxSeeds: 20,
  },
  {
    ...CONDITIONAL,
    id: 'asked-as-never-asked',
    bug: 'A round that was lost says of whom it has asked that it never did.',
    edits: [
      edit(
        'src/protocol/paxos/round-run.ts',
        'for (const node of this.#asking?.unasked ?? [])',
        'for (const node of this.#target.homes)',
      ),
    ],
    invariant: 'not-applied-was-applied',
    maxSeeds: 40,
  },
  {
    ...CONDITIONAL,
    id: 'collected-without-floor',
    bug: 'A deleted key is collected, and no floor takes the place of what was known of it.',
    edits: [edit(SERVING, 'floor: floors.of(records.partitionOf(entry))', 'floor: floors.of(-1 as never)')],
    invariant: 'scenario',
    scenario: 'late-messages',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'floor-in-memory-only',
    bug: 'The floor of a collected key is not written down, and gone when its node is started again.',
    edits: [
      edit(
        'src/protocol/replica/collection.ts',
        '...floors.raise({ partition, floor })]',
        '...floors.raise({ partition, floor }).slice(1)]',
      ),
    ],
    invariant: 'scenario',
    scenario: 'late-messages',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'ballot-drags-the-clock',
    bug: 'Whoever is told of a ballot a day ahead makes all its own ballots later than that.',
    edits: [
      edit(
        'src/core/paxos/ballot.ts',
        'if (seen !== undefined && isTooFarAhead(seen, time.wallMs, []))',
        'if (seen !== undefined && timeOfBallot(seen) < 0)',
      ),
      edit(
        'src/protocol/paxos/key-ballots.ts',
        "this.#wasTooFarAhead = refusals.includes('too-far-ahead') && !refusals.includes('outbid');",
        'this.#wasTooFarAhead = refusals.length > 1_000;',
      ),
    ],
    invariant: 'progress',
    maxSeeds: 60,
  },
  {
    ...CONDITIONAL,
    id: 'heard-not-passed-on',
    bug: 'An acceptor finds a ballot too far ahead although another one has taken such a ballot.',
    edits: [
      edit(
        ACCEPTOR,
        'isTooFarAhead(ballot, node.nowMs, [known, node.floor, heard])',
        'isTooFarAhead(ballot, node.nowMs, [known, node.floor, heard].slice(0, 2))',
      ),
    ],
    invariant: 'scenario',
    scenario: 'no-two-clocks-agree',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'stall-not-noticed',
    bug: 'What a client asked of a node that stood still counts as new, however long it lay there.',
    edits: [
      edit(
        'src/protocol/running-operations.ts',
        'return this.#stalls.mayHaveWaitedMs();',
        'return 0 * this.#stalls.mayHaveWaitedMs();',
      ),
    ],
    invariant: 'scenario',
    scenario: 'client-before-a-node-that-stood-still',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'way-not-counted',
    bug: 'What was forwarded counts as new when it is read, however long it was on its way.',
    edits: [
      edit(
        'src/protocol/peers/inbound-peer.ts',
        'madeAtMs === undefined ? 0 : this.#options.clock.nowMs() - madeAtMs;',
        'madeAtMs === undefined ? 0 : Math.min(0, this.#options.clock.nowMs() - madeAtMs);',
      ),
    ],
    invariant: 'scenario',
    scenario: 'held-first-attempt',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'own-clock-believed',
    bug: 'How long a first attempt has waited is told by the clock of its coordinator alone.',
    edits: [
      edit(
        'src/core/paxos/round-plan.ts',
        'firstAttempt ? Math.min(takenAtMs, knownMs) : earliest(notBefore)',
        'firstAttempt ? Math.max(takenAtMs, knownMs) : earliest(notBefore)',
      ),
    ],
    invariant: 'scenario',
    scenario: 'first-attempt-ahead',
    maxSeeds: 1,
  },
  {
    ...CONDITIONAL,
    id: 'witness-given-up',
    bug: 'A node gives records back to one that has lost its store without ending the rounds that it had with that store.',
    edits: [
      edit(
        'src/protocol/peer-requests.ts',
        'const isEnded = await lostStoreRounds.end(node, store);',
        'const isEnded = lostStoreRounds !== undefined;',
      ),
    ],
    invariant: 'scenario',
    scenario: 'other-witness-wiped',
    maxSeeds: 1,
  },
];

function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}
