/**
 * The bugs that a store like this one has had, or could have, planted one at a time; and some that test the runner and
 * the simulator: a canary that must be caught at once, and a change that changes nothing.
 *
 * Budgets are several times what was needed when the mutant was written, so that an innocent change of the plans does not
 * fail them, and a much weaker simulator does.
 */
import { CONDITIONAL_MUTANTS } from './conditional-mutants.ts';
import type { Edit, Mutant } from './mutant.ts';

const STANDARD = { profile: 'quorum', operations: 1_000 } as const;
const MIXED = { profile: 'mixed', operations: 1_000 } as const;

const LOCAL_REPLICA = 'src/protocol/replica/local-replica.ts';
const GROUP_COMMIT = 'src/protocol/replica/group-commit.ts';
const PENDING_REQUESTS = 'src/protocol/peers/pending-requests.ts';
const READ_OPERATION = 'src/protocol/coordinator/read-operation.ts';
const WRITE_POSITIONS = 'src/core/quorum/write-positions.ts';
const QUORUM_TALLY = 'src/core/quorum/quorum-tally.ts';
const HANDOFF = 'src/protocol/handoff/handoff.ts';
const REAPER = 'src/protocol/reaping/reaper.ts';
const RECORD_TREES = 'src/protocol/anti-entropy/record-trees.ts';
const JOIN = 'src/core/causality/join.ts';
const DECIDE_WRITE = 'src/core/causality/decide-write.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    ...STANDARD,
    id: 'canary',
    bug: 'Every answer of a write throws.',
    edits: [
      edit(
        'src/protocol/coordinator/write.ts',
        '  const { request, proposed, nodes, bucketN } = write;',
        "  if (write !== undefined) throw new Error('canary');\n  const { request, proposed, nodes, bucketN } = write;",
      ),
    ],
    invariant: 'no-exception',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'rejection-that-nobody-handles',
    bug: 'The end of a write leaves a rejected promise behind.',
    edits: [
      edit(
        'src/protocol/coordinator/spread.ts',
        '    this.#stopTimers();\n',
        "    this.#stopTimers();\n    void Promise.reject(new Error('nobody handles this'));\n",
      ),
    ],
    invariant: 'no-exception',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'no-op',
    bug: 'None: a comment says something else.',
    edits: [edit(JOIN, 'The rule itself:', 'The rule:')],
    invariant: undefined,
    maxSeeds: 15,
  },
  {
    ...MIXED,
    id: 'acks-counted-by-reply',
    bug: 'A write quorum counts replies, not nodes: a duplicated reply counts twice.',
    edits: [
      edit(
        WRITE_POSITIONS,
        "    if (place?.phase !== 'asked') return false;",
        "    if (place === undefined) return false;\n    if (result === 'ok') this.replies = (this.replies ?? 0) + 1;",
      ),
      edit(
        WRITE_POSITIONS,
        '    return this.#homes.filter((home) => this.#isFilled(home)).length;',
        '    return this.replies ?? 0;',
      ),
      // The table of pending requests would let a duplicated reply through to nobody.
      edit(PENDING_REQUESTS, '    this.#sent.delete(id);\n', ''),
    ],
    invariant: 'acknowledged-before-durable',
    maxSeeds: 100,
  },
  {
    ...STANDARD,
    id: 'ack-before-sync',
    bug: 'A replica acknowledges a record before its disk has it.',
    edits: [
      edit(
        LOCAL_REPLICA,
        '    await records.put(entry, joined, ...together);',
        '    void records.put(entry, joined, ...together).catch(() => {});',
      ),
    ],
    invariant: 'acknowledged-before-durable',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'sync-not-asked-for',
    bug: 'Batches are written without a sync, and acknowledged.',
    edits: [
      edit(
        GROUP_COMMIT,
        'await storage.write(writes, { sync });',
        'await storage.write(writes, { sync: sync && batch.length > 1_000 });',
      ),
    ],
    invariant: 'acknowledged-before-durable',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'incarnation-not-renewed',
    bug: 'A process that starts again takes the incarnation that it had: dots that left before a crash are minted again.',
    edits: [
      edit(
        'src/protocol/replica/incarnation.ts',
        '    this.#random = random;\n    this.#current = this.#draw();',
        "    this.#random = random;\n    this.#current = Buffer.concat([this.#storeHalf, new Uint8Array(HALF_BYTES)]).toString('base64url') as Incarnation;",
      ),
    ],
    invariant: 'dot-collision',
    maxSeeds: 60,
  },
  {
    ...STANDARD,
    id: 'client-context-ignored',
    bug: 'A PUT supersedes nothing, whatever its client had seen.',
    edits: [
      edit(
        DECIDE_WRITE,
        'recordOfWrite({ ...write, dot, created: createsKey(local) })',
        'recordOfWrite({ ...write, seen: undefined, dot, created: createsKey(local) })',
      ),
    ],
    invariant: 'false-sibling',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'put-answers-merged-context',
    bug: "The answer to a PUT carries the record's context: it covers siblings that the client has not seen.",
    edits: [
      edit(
        'src/protocol/coordinator/write.ts',
        '    context: withDot(proposed.seen ?? EMPTY_CONTEXT, dot),',
        '    context: withDot(record.context, dot),',
      ),
    ],
    invariant: 'over-covering-context',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'repair-overwrites',
    bug: 'A record that comes in, by repair or replication, replaces the one that is there.',
    edits: [
      edit(
        LOCAL_REPLICA,
        '    const joined = local === undefined ? encodedIncoming : this.#encodeJoin(entry, local, incoming);',
        '    const joined = encodedIncoming;',
      ),
    ],
    invariant: 'replica-went-back',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'read-error-as-not-found',
    bug: 'A replica that cannot read its record answers that it holds nothing.',
    edits: [
      edit(
        'src/protocol/replica/read-reply.ts',
        "if (loaded.type === 'unreadable') return { type: 'unreadable', reason: loaded.reason };",
        "if (loaded.type === 'unreadable') return { type: 'absent' };",
      ),
    ],
    invariant: 'read-missed-acknowledged-write',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'unreadable-record-overwritten',
    bug: 'A replica that cannot read its record writes as if it held nothing.',
    edits: [
      edit(
        'src/protocol/replica/record-loader.ts',
        "loaded.type === 'unreadable' ? loaded : this.#decoded(entry, loaded.encoded, hintFor)",
        "this.#decoded(entry, loaded.type === 'unreadable' ? undefined : loaded.encoded, hintFor)",
      ),
    ],
    invariant: 'replica-went-back',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'no-serial-section',
    bug: 'Writes of one key run side by side, each on the record that the others read, too.',
    edits: [
      edit(
        'src/protocol/replica/key-lock.ts',
        'earlier === undefined ? begun(section) : earlier.then(section)',
        'begun(section)',
      ),
    ],
    invariant: 'dot-collision',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'retry-mints-again',
    bug: 'A write id is not looked up: a retry becomes a second event.',
    edits: [
      edit(
        DECIDE_WRITE,
        '  if (identity === undefined || record === undefined) return undefined;',
        '  if (identity === undefined || record === undefined || record.largestN > 0) return undefined;',
      ),
    ],
    invariant: 'second-dot',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'aliases-live-on',
    bug: 'Two dots of one retried write do not die together: an overwritten value comes back under its second dot.',
    edits: [
      edit(
        JOIN,
        '  const dead = [...findDeadRequests(left, right), ...findDeadRequests(right, left)];',
        '  const dead = left === right ? findDeadRequests(left, right) : [];',
      ),
    ],
    invariant: 'false-sibling',
    maxSeeds: 100,
  },
  {
    ...STANDARD,
    id: 'deadline-as-not-applied',
    bug: 'A write that missed its quorum in time is reported as not applied, although replicas may hold it.',
    edits: [
      edit(
        'src/protocol/coordinator/spread.ts',
        "      certainty: 'unknown',",
        "      certainty: 'not-applied',",
      ),
    ],
    invariant: 'not-applied-was-applied',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'given-up-write-minted',
    bug: 'A write whose deadline passed while it waited for its turn is minted after it was answered.',
    edits: [
      edit(
        LOCAL_REPLICA,
        "      if (isGivenUp()) return { type: 'given-up' };",
        "      if (isGivenUp() && entry.key === '') return { type: 'given-up' };",
      ),
    ],
    invariant: 'not-applied-was-applied',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'mints-after-failed-write',
    bug: 'After a failed write the store goes on minting: the dot of the failed write, which has left for others, is used again.',
    edits: [
      edit(
        LOCAL_REPLICA,
        '      if (failure !== undefined) return',
        "      if (failure !== undefined && entry.key === '') return",
      ),
      edit(
        'src/protocol/replica/record-store.ts',
        '    this.assertSound();\n    return this.#storage.get',
        '    return this.#storage.get',
      ),
    ],
    invariant: 'dot-collision',
    maxSeeds: 200,
  },
  {
    ...STANDARD,
    id: 'join-drops-sibling',
    bug: 'The join of two lists of siblings loses one of the right side now and then.',
    edits: [edit(JOIN, '    if (order >= 0) j += 1;', '    if (order >= 0 || j > 0) j += 1;')],
    invariant: 'read-missed-acknowledged-write',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'wrong-key-accepted',
    bug: 'A record is taken for whole without a look at its digest: one of another key is accepted.',
    edits: [
      edit(
        'src/codec/record-codec.ts',
        '  if (!sameBytes(expected, recordDigest(bytes))) {',
        '  if (bytes.length === 0 && !sameBytes(expected, recordDigest(bytes))) {',
      ),
    ],
    invariant: 'invented-value',
    maxSeeds: 80,
  },
  {
    ...STANDARD,
    id: 'duplicate-request-carried-out',
    bug: 'A forwarded request that is delivered twice is carried out twice.',
    edits: [edit('src/protocol/peers/inbound-peer.ts', '    if (id <= this.#lastId) {', '    if (id < 0) {')],
    invariant: 'second-dot',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'lost-connection-as-not-sent',
    bug: 'A forwarded write whose connection broke is given to the next home replica, too.',
    edits: [
      edit(
        'src/protocol/coordinator/forwarding.ts',
        '    if (this.#isConditionalWrite) void this.#askNext();\n    else this.#end(this.#failure);',
        '    void this.#askNext();',
      ),
    ],
    invariant: 'second-dot',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'failed-write-ignored',
    bug: 'A write that failed is taken for done.',
    edits: [
      edit(
        GROUP_COMMIT,
        '    for (const { reject } of waiting) reject(failure);',
        '    for (const { resolve } of waiting) resolve();',
      ),
    ],
    invariant: 'acknowledged-before-durable',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'refusal-counts-as-ack',
    bug: 'A replica that refused to store counts towards W.',
    edits: [edit('src/protocol/coordinator/spread.ts', "      return 'refused';", "      return 'ok';")],
    invariant: 'acknowledged-before-durable',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'settled-request-kept',
    bug: 'A request stays in the table of those that a peer owes an answer to, after the answer came.',
    edits: [edit(PENDING_REQUESTS, '    this.#sent.delete(id);\n', '')],
    invariant: 'leak',
    maxSeeds: 5,
  },
  {
    ...STANDARD,
    id: 'operation-not-ended',
    bug: 'Of operations that overlap only the last to end is counted as ended.',
    edits: [
      edit(
        'src/protocol/running-operations.ts',
        '      this.#running -= 1;',
        '      if (this.#running === 1) this.#running -= 1;',
      ),
    ],
    invariant: 'leak',
    maxSeeds: 5,
  },
  {
    ...STANDARD,
    id: 'recovering-counted',
    bug: 'A node that lost its disk answers that it holds nothing, and that counts.',
    edits: [
      edit(
        LOCAL_REPLICA,
        "    if ((!lacked && !this.mayLack(request)) || reply.type === 'unreadable') return reply;",
        "    if (lacked || !lacked || reply.type === 'unreadable') return reply;",
      ),
      edit(
        READ_OPERATION,
        "if (replicas.mayLack(this.#target.entry) && this.#tally.revoke(replicas.self, 'recovering'))",
        "if (this.#tally.counted < 0 && this.#tally.revoke(replicas.self, 'recovering'))",
      ),
    ],
    invariant: 'read-missed-acknowledged-write',
    only: 'wiped',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'rollback-unnoticed',
    bug: 'A store that has lost what it wrote last is taken for the one that it was.',
    edits: [
      edit(
        'src/core/membership/store-mark.ts',
        "  return mark.sequence <= endOf(mark.opening, presented) ? 'same' : 'rolled-back';",
        "  return endOf(mark.opening, presented) >= 0 ? 'same' : 'rolled-back';",
      ),
    ],
    invariant: 'loss-unnoticed',
    only: 'rolled-back',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'openings-not-checked',
    bug: 'A store that has lost its end, and has written on alone past it, is taken for the one that it was: only its number is looked at.',
    edits: [
      edit(
        'src/core/membership/store-mark.ts',
        "  return mark.sequence <= endOf(mark.opening, presented) ? 'same' : 'rolled-back';",
        "  return mark.sequence <= presented.openedAt || endOf(mark.opening, presented) < 0 ? 'same' : 'rolled-back';",
      ),
    ],
    invariant: 'loss-unnoticed',
    only: 'rolled-back',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'own-answer-stays',
    bug: 'What a coordinator found on its disk counts although a peer has told it meanwhile that the disk has lost something.',
    edits: [
      edit(
        READ_OPERATION,
        "if (replicas.mayLack(this.#target.entry) && this.#tally.revoke(replicas.self, 'recovering'))",
        "if (this.#tally.counted < 0 && this.#tally.revoke(replicas.self, 'recovering'))",
      ),
    ],
    invariant: 'scenario',
    scenario: 'amnesia-while-it-reads',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'clone-accepted',
    bug: 'A second process that runs on a copy of the disk of a node is taken for that node, although the first one answers.',
    edits: [
      edit(
        'src/protocol/peers/peers.ts',
        'return isSameNode ? connected.opening !== hello.opening : connected.storeId === hello.storeId;',
        'return !isSameNode && connected.storeId === hello.storeId;',
      ),
    ],
    invariant: 'scenario',
    scenario: 'copy-beside-its-node',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'gap-unnoticed',
    bug: 'A store in whose middle batches are missing is taken for whole, as its last one is there.',
    edits: [edit('src/protocol/store-sequence.ts', 'gaps: numbers }', 'gaps: numbers.slice(0, 0) }')],
    invariant: 'loss-unnoticed',
    only: 'gap',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'number-stays',
    bug: 'A batch leaves the number of the one before it, so that a store that is whole seems to lack batches.',
    edits: [
      edit(
        'src/protocol/store-sequence.ts',
        "  return [leaves(sequence), { type: 'delete', key: sequenceKey(sequence - 1) }];",
        "  return [leaves(sequence), { type: 'delete', key: sequenceKey(sequence + 1) }];",
      ),
    ],
    invariant: 'no-false-alarm',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'sequence-not-written',
    bug: 'A batch does not carry the sequence number that peers hear of.',
    edits: [
      edit(
        GROUP_COMMIT,
        '    if (sequence > this.#sequence) writes.push(...sequenceWrites(sequence));',
        '    if (sequence % 1_000 === 999) writes.push(...sequenceWrites(sequence));',
      ),
    ],
    invariant: 'no-false-alarm',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'successor-before-it-knows',
    bug: 'Peers forget the store that was lost as soon as they see another one, which may never have been told.',
    edits: [
      edit(
        'src/core/membership/store-mark.ts',
        "  if (mark !== undefined && (verdict === 'replaced' || verdict === 'rolled-back')) return mark;",
        "  if (mark !== undefined && verdict === 'rolled-back') return mark;",
      ),
      edit(
        'src/protocol/recovery/own-store.ts',
        "    if (verdict === 'replaced') void this.#lose('wiped', toldBy, mark.storeId);",
        "    if (verdict === 'replaced' && this.openedAt > 0) void this.#lose('wiped', toldBy, mark.storeId);",
      ),
    ],
    invariant: 'loss-unnoticed',
    only: 'wiped',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'dropped-connection-left-open',
    bug: 'A connection that is given up is not closed.',
    edits: [
      edit(
        'src/protocol/peers/outbound-peer.ts',
        '    channel?.connection.reset(reason);',
        '    if (channel === undefined) return;',
      ),
    ],
    invariant: 'leak',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'hint-dropped-before-ack',
    bug: 'A hint goes when its record was sent, whether or not its owner has stored it.',
    edits: [
      edit(
        HANDOFF,
        '      const { reply } = await askPeer({ ...this.#ports, pace: this.#pace }, owner, request);',
        '      askPeer({ ...this.#ports, pace: this.#pace }, owner, request).catch(() => {});',
      ),
      edit(HANDOFF, "reply.type === 'stored' && (await", 'request !== undefined && (await'),
    ],
    invariant: 'hint-dropped-early',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'hint-to-wrong-owner',
    bug: 'A hinted record is handed to another node than the one that it is kept for.',
    edits: [
      edit(
        HANDOFF,
        '      const { reply } = await askPeer({ ...this.#ports, pace: this.#pace }, owner, request);',
        '      const other = this.#ports.peers.others.find((node) => node !== owner && this.#isUp(node)) ?? owner;\n      const { reply } = await askPeer({ ...this.#ports, pace: this.#pace }, other, request);',
      ),
    ],
    invariant: 'hint-dropped-early',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'stray-dropped-unasked',
    bug: 'A record goes from where it does not belong when the last of its home replicas has acknowledged it, whatever the others hold by then.',
    edits: [
      edit(
        'src/protocol/handoff/hinted-records.ts',
        'hint.isStray && !isAgreed',
        'hint.isStray && digest === undefined',
      ),
    ],
    invariant: 'scenario',
    scenario: 'stray-kept-until-all-agree',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'handoff-mints-again',
    bug: 'What is handed to an owner is the write and not its result: the owner mints a dot of its own for it.',
    edits: [
      edit(
        HANDOFF,
        "import { recordDigest } from '../../codec/record-codec.ts';",
        "import { decodeCheckedRecord, recordDigest } from '../../codec/record-codec.ts';",
      ),
      edit(
        HANDOFF,
        "      const request = { type: 'store', ...entry, record: own.record } as const;",
        "      const [{ content }] = decodeCheckedRecord(own.record).siblings;\n      const write = { n: 3, w: 1, sloppy: false, timeoutMs: 5_000, context: undefined, identity: undefined, returnRecord: false };\n      const request = { type: 'coordinate-put', request: { ...entry, ...write, contentType: content.contentType, value: content.bytes } };",
      ),
      edit(
        HANDOFF,
        '      const { reply } = await askPeer({ ...this.#ports, pace: this.#pace }, owner, request);',
        '      const { outcome } = await askPeer({ ...this.#ports, pace: this.#pace }, owner, request);',
      ),
      edit(HANDOFF, "return reply.type === 'stored' && (", "return outcome.type === 'written' && ("),
    ],
    invariant: 'scenario',
    scenario: 'handed-over-while-it-is-written',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'fallback-not-found-counted',
    bug: 'That a fallback holds nothing counts like a home replica that holds nothing.',
    edits: [
      edit(
        QUORUM_TALLY,
        "(place.result === 'not-found' && !this.#fallbacks.has(node))",
        "place.result === 'not-found'",
      ),
      edit(
        QUORUM_TALLY,
        '      if (!this.#fallbacks.has(node)) this.#countedHomes += 1;',
        '      this.#countedHomes += 1;',
      ),
    ],
    invariant: 'read-missed-acknowledged-write',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'hint-in-another-batch',
    bug: 'A record that is kept for another and its hint go to the disk one after the other.',
    edits: [
      edit(
        LOCAL_REPLICA,
        '    await records.put(entry, joined, ...together);',
        '    await records.put(entry, joined);\n    if (together.length > 0) await records.write(...together);',
      ),
    ],
    invariant: 'stray-record',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'forwards-and-coordinates',
    bug: 'A fallback that forwards a write coordinates it, too.',
    edits: [
      edit(
        'src/protocol/coordinator/forwarding.ts',
        "    tracer.trace({ type: 'forwarded',",
        "    if (!this.#isRead && this.#nodes.fallbacks.includes(replicas.self)) this.#coordinateHere();\n    tracer.trace({ type: 'forwarded',",
      ),
    ],
    invariant: 'second-dot',
    maxSeeds: 10,
  },
  {
    ...STANDARD,
    id: 'hinted-record-overwrites',
    bug: 'A record that is to be kept for another replaces the one that is there.',
    edits: [
      edit(
        LOCAL_REPLICA,
        '    const joined = local === undefined ? encodedIncoming',
        '    const joined = local === undefined || hintFor !== undefined ? encodedIncoming',
      ),
    ],
    invariant: 'replica-went-back',
    maxSeeds: 40,
  },
  {
    ...MIXED,
    id: 'stand-in-counted-beside-home',
    bug: 'A home replica and its stand-in count as two.',
    edits: [
      edit(
        WRITE_POSITIONS,
        '    return this.#homes.filter((home) => this.#isFilled(home)).length;',
        "    return [...this.#places.values()].filter(({ result }) => result === 'ok').length;",
      ),
    ],
    invariant: 'acknowledged-before-durable',
    maxSeeds: 100,
  },
  {
    ...STANDARD,
    id: 'epochs-kept-after-handoff',
    bug: 'A fallback that has let a record go goes on under the name that it had minted in it.',
    edits: [
      edit(
        'src/protocol/handoff/hinted-records.ts',
        '    incarnations.forget(decodeCheckedRecord(encoded).context);\n',
        '    if (encoded.length === 0) incarnations.forget(decodeCheckedRecord(encoded).context);\n',
      ),
    ],
    invariant: 'no-false-alarm',
    maxSeeds: 100,
  },
  {
    ...MIXED,
    id: 'session-ignored',
    bug: 'A read that names a context is answered by whoever answers first.',
    edits: [
      edit(READ_OPERATION, 'return atLeast === undefined || covers(', 'return atLeast !== null || covers('),
    ],
    invariant: 'session-went-back',
    maxSeeds: 20,
  },
  {
    ...STANDARD,
    id: 'tombstone-reaped-early',
    bug: 'A tombstone is reaped whatever the other members hold.',
    edits: [edit(REAPER, 'lists.every((list) => list[place] === true)', 'place < (lists[0]?.length ?? 0)')],
    only: 'reaping',
    invariant: 'deleted-value-revived',
    maxSeeds: 60,
  },
  {
    ...STANDARD,
    id: 'reaps-what-was-written-meanwhile',
    bug: 'A record is dropped although it is not the tombstone any more that all members knew.',
    edits: [
      edit(
        LOCAL_REPLICA,
        'if (encoded === undefined || !sameBytes(recordDigest(encoded), digest)) return false;',
        'if (encoded === undefined) return false;',
      ),
      edit(
        'src/protocol/reaping/tombstone-watch.ts',
        'return encoded === undefined || sameBytes(recordDigest(encoded), digest);',
        'return digest.length > 0;',
      ),
    ],
    only: 'reaping',
    invariant: 'live-value-reaped',
    maxSeeds: 40,
  },
  {
    ...STANDARD,
    id: 'trees-without-tombstones',
    bug: 'Digest trees leave deleted keys out: a replica that missed both a value and its deletion is never told of the deletion.',
    edits: [
      edit(
        RECORD_TREES,
        "import { largestNOf, recordDigest } from '../../codec/record-codec.ts';",
        "import { decodeCheckedRecord, largestNOf, recordDigest } from '../../codec/record-codec.ts';\nconst isCounted = (bytes) => decodeCheckedRecord(bytes).siblings.some(({ content }) => content.type === 'value');",
      ),
      edit(RECORD_TREES, 'if (before !== undefined)', 'if (before !== undefined && isCounted(before))'),
      edit(RECORD_TREES, 'if (after !== undefined)', 'if (after !== undefined && isCounted(after))'),
    ],
    invariant: 'scenario',
    scenario: 'tombstone-by-exchange',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'trees-of-dots-only',
    bug: 'Digest trees hash which writes a record holds, and not their bytes.',
    edits: [
      edit(
        RECORD_TREES,
        "import { largestNOf, recordDigest } from '../../codec/record-codec.ts';",
        "import { decodeRecord, encodeRecord, largestNOf, recordDigest } from '../../codec/record-codec.ts';\nconst dotsOf = (entry, bytes) => { const record = decodeRecord(entry, bytes); return encodeRecord(entry, { ...record, siblings: record.siblings.map((sibling) => ({ ...sibling, content: { type: 'tombstone' } })) }); };",
      ),
      edit(RECORD_TREES, 'recordDigest(before)', 'recordDigest(dotsOf(entry, before))'),
      edit(RECORD_TREES, 'recordDigest(after)', 'recordDigest(dotsOf(entry, after))'),
    ],
    invariant: 'scenario',
    scenario: 'equal-dots-different-bytes',
    maxSeeds: 1,
  },
  {
    ...STANDARD,
    id: 'exchange-overwrites',
    bug: 'A record that comes from an exchange replaces the one that is there.',
    edits: [
      edit(
        'src/protocol/anti-entropy/reconcile.ts',
        "await local.store({ type: 'store', ...entry, record });",
        "await local.store({ type: 'store', ...entry, record, replaces: true });",
      ),
      edit(
        LOCAL_REPLICA,
        '    const joined = local === undefined ? encodedIncoming',
        '    const joined = local === undefined || entry.replaces ? encodedIncoming',
      ),
    ],
    invariant: 'scenario',
    scenario: 'exchange-joins',
    maxSeeds: 1,
  },
  ...CONDITIONAL_MUTANTS,
];

function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}
