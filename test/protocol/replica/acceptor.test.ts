/** This node's vote on a key: nothing is answered before it is durable, and nothing that cannot be known is answered at all. */
import { beforeEach, describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { acceptorKey, recordKey, unfinishedKey } from '../../../src/codec/key-layout.ts';
import { encodeRecord, recordDigest } from '../../../src/codec/record-codec.ts';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import { joinRecords } from '../../../src/core/causality/join.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, Incarnation, NodeId, StoreId } from '../../../src/core/ids.ts';
import type { PeerReply } from '../../../src/core/message.ts';
import { NO_STORE, UNTOUCHED } from '../../../src/core/paxos/acceptor-state.ts';
import { type Ballot, ballotOf } from '../../../src/core/paxos/ballot.ts';
import type { Voters } from '../../../src/core/paxos/messages.ts';
import type { PaxosRequest } from '../../../src/core/paxos/peer-messages.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import { Acceptor, type Standing } from '../../../src/protocol/replica/acceptor.ts';
import { AcceptorStore, type StoredState } from '../../../src/protocol/replica/acceptor-store.ts';
import { Floors } from '../../../src/protocol/replica/floors.ts';
import { IncarnationSource } from '../../../src/protocol/replica/incarnation.ts';
import { dot, recordOf, textsOf } from '../../core/causality/sample-records.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { SimRandom } from '../../sim/world/sim-random.ts';
import { turns } from './held-storage.ts';
import { ENTRY, NO_LOSSES, ReplicaBench, STORAGE_KEY } from './replica-bench.ts';

const PARTITION = partitionOf(buildRing(simConfig(3)), placementHash(ENTRY));
const STATE_KEY = acceptorKey(PARTITION, ENTRY);
const NOTE_KEY = unfinishedKey(PARTITION, ENTRY);
const VOTERS = '0'.repeat(32) as Voters;
const STORE = 's'.repeat(21).concat('A') as StoreId;

function ballot(timeMs: number): Ballot {
  const incarnation = 'AAECAwQFBgcICQoLDA0ODw' as Incarnation;
  return ballotOf({ timeMs, logical: 0, node: 'n2' as NodeId, incarnation });
}

/** What a conditional write of this ballot proposes, having seen a record. */
function proposal(timeMs: number, text: string, seen?: KeyRecord): KeyRecord {
  const write = recordOf(paxosDot(ballot(timeMs)), text, seen === undefined ? {} : { seen: seen.context });
  return seen === undefined ? write : joinRecords(seen, write);
}

let bench: ReplicaBench;
let acceptor: Acceptor;
let standing: Standing;
/** Keys on which a vote was asked for in vain. */
let asked: EntryName[];

function newProcess(seed = 1): Acceptor {
  const { replica: local, records, acceptors } = bench;
  return new Acceptor({
    local,
    records,
    acceptors,
    floors: new Floors(bench.storage),
    incarnations: new IncarnationSource(STORE, new SimRandom(seed, 'acceptor')),
    clock: { nowMs: () => 0, wallMs: () => 0, setTimer: () => ({ cancel: () => {} }) },
    tracer: { trace: (event) => bench.traces.push(event) },
    onChanged: (_entry, before, after) => bench.changes.push({ before, after }),
    standingOn: () => standing,
    losses: bench.losses,
    memory: { takeNotes: () => [] },
    onWithoutVote: (entry) => asked.push(entry),
  });
}

beforeEach(() => {
  bench = new ReplicaBench();
  standing = { type: 'voter', voters: VOTERS, stores: new Map(), store: STORE, isNewcomer: false };
  asked = [];
  acceptor = newProcess();
});

async function ask(request: PaxosRequest): Promise<PeerReply> {
  const reply = acceptor.serve(request);
  await bench.storage.passAll();
  return reply;
}

function prepare(timeMs: number): PaxosRequest {
  return {
    type: 'paxos-prepare',
    ...ENTRY,
    voters: VOTERS,
    ballot: ballot(timeMs),
    heard: undefined,
    known: undefined,
  };
}

function accept(timeMs: number, object: KeyRecord): PaxosRequest {
  const encoded = encodeRecord(ENTRY, object);
  return {
    type: 'paxos-accept',
    ...ENTRY,
    voters: VOTERS,
    ballot: ballot(timeMs),
    object: encoded,
    next: undefined,
    base: undefined,
  };
}

function commit(timeMs: number, object: KeyRecord): PaxosRequest {
  return { type: 'paxos-commit', ...ENTRY, ballot: ballot(timeMs), object: encodeRecord(ENTRY, object) };
}

function read(known?: Uint8Array): PaxosRequest {
  return { type: 'paxos-read', ...ENTRY, voters: VOTERS, known };
}

function admit(timeMs: number): PaxosRequest {
  const object = encodeRecord(ENTRY, proposal(timeMs, 'admitted'));
  return { type: 'paxos-admit', ...ENTRY, voters: VOTERS, store: STORE, ballot: ballot(timeMs), object };
}

async function replaceDamagedRecord(): Promise<void> {
  bench.storage.place(STORAGE_KEY, Uint8Array.of(1, 2, 3));
  await place(recordOf(dot('b', 1), 'two'));
}

async function place(record: KeyRecord): Promise<void> {
  const stored = bench.store(record);
  await bench.storage.passAll();
  expect(await stored).toEqual({ type: 'stored' });
}

describe('a promise', () => {
  it('is given when it is durable, and tells what is there', async () => {
    const record = recordOf(dot('a', 1), 'one');
    bench.place(record);
    let reply: PeerReply | undefined;
    void acceptor.serve(prepare(5)).then((given) => {
      reply = given;
    });
    await turns();
    expect(bench.storage.held).toHaveLength(1);
    expect(reply).toBeUndefined();
    await bench.storage.passAll();
    expect(reply).toMatchObject({
      type: 'paxos-prepare',
      reply: { type: 'promised', record: encodeRecord(ENTRY, record), promisedBefore: undefined },
    });
  });

  it('holds for another process on the same store', async () => {
    await ask(prepare(5));
    acceptor = newProcess(2);
    expect(await ask(prepare(5))).toMatchObject({
      reply: { type: 'rejected', reason: 'outbid', highest: ballot(5) },
    });
    expect(await ask(accept(4, proposal(4, 'old')))).toMatchObject({ reply: { reason: 'outbid' } });
    expect(await ask(prepare(6))).toMatchObject({ reply: { type: 'promised', promisedBefore: ballot(5) } });
  });

  it('is never answered if the disk fails', async () => {
    const reply = acceptor.serve(prepare(5));
    await turns();
    const [failed] = await Promise.allSettled([reply, bench.storage.held[0]?.fail('no space')]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { name: 'StorageFailed' } });
    await expect(acceptor.serve(prepare(6))).resolves.toMatchObject({ type: 'request-refused' });
  });
});

describe('an accepted object', () => {
  it('is no record yet, but plain reads are told that there is one', async () => {
    await place(recordOf(dot('a', 1), 'one'));
    const object = proposal(5, 'two', await bench.held());
    await ask(prepare(5));
    expect(await ask(accept(5, object))).toEqual({
      type: 'paxos-accept',
      reply: { type: 'accepted', voters: VOTERS },
    });
    expect(textsOf(await bench.held())).toEqual(['one']);
    expect(await bench.read()).toMatchObject({ type: 'found', hasUnfinishedRound: true });
    const known = recordDigest(encodeRecord(ENTRY, recordOf(dot('a', 1), 'one')));
    expect(await bench.read(known)).toEqual({ type: 'same', hasUnfinishedRound: true });
  });

  it('is one with the commit, in the batch in which the accepted bytes go', async () => {
    await place(recordOf(dot('a', 1), 'one'));
    const object = proposal(5, 'two', await bench.held());
    await ask(accept(5, object));
    const before = bench.changes.length;
    const committed = acceptor.serve(commit(5, object));
    await turns();
    expect(bench.storage.held).toHaveLength(1);
    const keys = bench.storage.held[0]?.batch.map(({ key }) => Buffer.from(key).toString('latin1')) ?? [];
    for (const key of [STATE_KEY, NOTE_KEY, STORAGE_KEY]) {
      expect(keys).toContain(Buffer.from(key).toString('latin1'));
    }
    expect(bench.changes).toHaveLength(before);
    await bench.storage.passAll();
    expect(await committed).toEqual({ type: 'paxos-commit', reply: { type: 'committed' } });
    expect(textsOf(await bench.held())).toEqual(['two']);
    expect(bench.changes).toHaveLength(before + 1);
    expect(await bench.read()).not.toHaveProperty('hasUnfinishedRound');
    expect((await bench.acceptors.get(ENTRY))?.object).toBeUndefined();
    expect(await bench.storage.get(NOTE_KEY)).toBeUndefined();
  });

  it('does not hurry to the disk by itself, as it is answered already', async () => {
    bench.areTimersHeld = true;
    const object = proposal(5, 'two');
    await ask(accept(5, object));
    const committed = acceptor.serve(commit(5, object));
    await turns();
    expect(bench.storage.held).toEqual([]);
    // What is minted for another key takes it along; here the next round of this one does, which has to wait for it.
    const promised = acceptor.serve(prepare(6));
    await bench.storage.passAll();
    expect(await committed).toMatchObject({ reply: { type: 'committed' } });
    expect(await promised).toMatchObject({ reply: { type: 'promised', chosen: ballot(5) } });
  });

  it('hurries if the next round waits already when it is decided, and if a plain read does', async () => {
    bench.areTimersHeld = true;
    const object = proposal(5, 'two');
    await ask(accept(5, object));
    const committed = acceptor.serve(commit(5, object));
    const promised = acceptor.serve(prepare(6));
    await bench.storage.passAll();
    expect(await committed).toMatchObject({ reply: { type: 'committed' } });
    expect(await promised).toMatchObject({ reply: { type: 'promised' } });

    const next = proposal(6, 'three', object);
    await ask(accept(6, next));
    void acceptor.serve(commit(6, next));
    const read = bench.read();
    await bench.storage.passAll();
    expect(await read).toEqual({ type: 'found', record: encodeRecord(ENTRY, next) });
  });

  it('needs no comparison with the record that its object was made of, and takes its place', async () => {
    const found = recordOf(dot('a', 1), 'one');
    await place(found);
    const object = proposal(5, 'two', found);
    await ask(prepare(5));
    const base = recordDigest(encodeRecord(ENTRY, found));
    expect(await ask({ ...accept(5, object), base } as PaxosRequest)).toMatchObject({
      reply: { type: 'accepted' },
    });
    await ask({ type: 'paxos-commit', ...ENTRY, ballot: ballot(5), object: 'accepted' });
    expect(await bench.read()).toEqual({
      type: 'found',
      record: Uint8Array.from(encodeRecord(ENTRY, object)),
    });
  });

  it('is refused if a plain write came between the promise and it', async () => {
    await ask(prepare(5));
    await place(recordOf(dot('a', 1), 'plain'));
    expect(await ask(accept(5, proposal(5, 'two')))).toMatchObject({
      reply: { type: 'rejected', reason: 'dirty' },
    });
  });

  it('is refused even if that plain write only waits for the disk', async () => {
    await ask(prepare(5));
    const stored = bench.store(recordOf(dot('a', 1), 'plain'));
    const accepted = acceptor.serve(accept(5, proposal(5, 'two')));
    await bench.storage.passAll();
    await stored;
    expect(await accepted).toMatchObject({ reply: { type: 'rejected', reason: 'dirty' } });
  });

  it('is acknowledged twice by one process, but not by the next', async () => {
    const request = accept(5, proposal(5, 'two'));
    await ask(request);
    expect(await ask(request)).toMatchObject({ reply: { type: 'accepted' } });
    acceptor = newProcess(2);
    expect(await ask(request)).toMatchObject({ reply: { type: 'rejected', reason: 'other-incarnation' } });
  });

  it('is known to be unfinished when the store is opened again', async () => {
    await ask(accept(5, proposal(5, 'two')));
    const reopened = new AcceptorStore(bench.records, {
      storage: bench.storage,
      clock: bench.clock,
      tracer: { trace: () => {} },
      sizes: DEFAULT_WORK_SIZES,
    });
    expect(reopened.hasUnfinishedRound(ENTRY)).toBe(false);
    await reopened.load();
    expect(reopened.hasUnfinishedRound(ENTRY)).toBe(true);
    expect(reopened.hasUnfinishedRound({ ...ENTRY, key: 'other' })).toBe(false);
  });

  it('is noted as unfinished by each batch that leaves it so, for the disk may have lost the one before', async () => {
    await ask(accept(5, proposal(5, 'two')));
    bench.storage.remove(NOTE_KEY);
    await ask(prepare(6));
    expect(await bench.storage.get(NOTE_KEY)).toBeDefined();
  });

  it('is noted no longer when it is known to be chosen, be it the note alone that a disk has kept', async () => {
    const object = proposal(5, 'two');
    await ask(accept(5, object));
    await ask(commit(5, object));
    bench.storage.place(NOTE_KEY, new Uint8Array(0));
    const reopened = new AcceptorStore(bench.records, {
      storage: bench.storage,
      clock: bench.clock,
      tracer: { trace: () => {} },
      sizes: DEFAULT_WORK_SIZES,
    });
    await reopened.load();
    const state = await reopened.get(ENTRY);
    if (state === undefined) throw new Error('nothing is kept');
    const writes = reopened.writes(ENTRY, state, { ...state, promised: ballot(6) });
    expect(writes.filter(({ type }) => type === 'delete').map(({ key }) => Buffer.from(key))).toEqual([
      Buffer.from(NOTE_KEY),
    ]);
  });
});

describe('of how long it takes from an acceptance until it is known to be chosen', () => {
  let nowMs: number;
  let told: number[];

  function opened(): AcceptorStore {
    return new AcceptorStore(bench.records, {
      storage: bench.storage,
      clock: { ...bench.clock, nowMs: () => nowMs },
      tracer: { trace: (event) => event.type === 'round-committed' && told.push(event.ms) },
      sizes: DEFAULT_WORK_SIZES,
    });
  }

  const ACCEPTED = { ...UNTOUCHED, promised: ballot(5), accepted: ballot(5) };
  const CHOSEN = { ...ACCEPTED, chosen: ballot(5) };

  /** As it was decided, and when. */
  function becomes(store: AcceptorStore, before: StoredState, after: StoredState, atMs: number): void {
    nowMs = atMs;
    store.writes(ENTRY, before, after);
    store.stored(ENTRY, after);
  }

  beforeEach(() => {
    nowMs = 0;
    told = [];
  });

  it('is told once, whatever was promised meanwhile', () => {
    const store = opened();
    const promised = { ...ACCEPTED, promised: ballot(6) };
    becomes(store, UNTOUCHED, ACCEPTED, 10);
    becomes(store, ACCEPTED, promised, 15);
    becomes(store, promised, { ...promised, chosen: ballot(5) }, 30);
    becomes(store, { ...promised, chosen: ballot(5) }, { ...CHOSEN, promised: ballot(7) }, 40);
    expect(told).toEqual([20]);
  });

  it('is not told of what was overtaken, nor of what was accepted before a start or a loss', async () => {
    const store = opened();
    becomes(store, UNTOUCHED, ACCEPTED, 10);
    becomes(store, ACCEPTED, { ...ACCEPTED, promised: ballot(6), chosen: ballot(6) }, 20);
    expect(store.hasUnfinishedRound(ENTRY)).toBe(false);
    const lost = { ...ACCEPTED, admittedAs: NO_STORE };
    becomes(store, CHOSEN, lost, 30);
    becomes(store, lost, CHOSEN, 40);
    await ask(accept(5, proposal(5, 'two')));
    const reopened = opened();
    await reopened.load();
    becomes(reopened, ACCEPTED, { ...ACCEPTED, promised: ballot(6) }, 50);
    becomes(reopened, { ...ACCEPTED, promised: ballot(6) }, { ...CHOSEN, promised: ballot(6) }, 60);
    expect(told).toEqual([]);
  });
});

describe('a view for a linearizable read', () => {
  it('has what was accepted joined in, and leaves out the bytes that the asker has', async () => {
    const object = proposal(5, 'two');
    await ask(accept(5, object));
    const encoded = Uint8Array.from(encodeRecord(ENTRY, object));
    const digest = recordDigest(encoded);
    const view = { type: 'key-view', accepted: ballot(5), promised: ballot(5), chosen: undefined };
    expect(await ask(read())).toMatchObject({ reply: { ...view, digest, record: encoded } });
    expect(await ask(read(digest))).toMatchObject({ reply: { ...view, digest, record: undefined } });
    expect(bench.storage.calls).toBe(1);
  });
});

describe('a node does not vote', () => {
  it.each<readonly [string, () => void]>([
    ['which has no standing', () => (standing = { type: 'no-voter', reason: 'for a reason' })],
    ['whose record is damaged', () => bench.storage.place(STORAGE_KEY, Uint8Array.of(1, 2, 3))],
  ])('%s', async (_, damage) => {
    await ask(prepare(3));
    damage();
    const { calls } = bench.storage;
    for (const request of [
      prepare(5),
      accept(5, proposal(5, 'two')),
      read(),
      commit(5, proposal(5, 'two')),
    ]) {
      expect(await ask(request)).toMatchObject({ type: 'request-refused' });
    }
    expect(bench.storage.calls).toBe(calls);
  });

  it('that is a newcomer to the key, but takes what was chosen', async () => {
    standing = { ...standing, isNewcomer: true } as Standing;
    const object = proposal(5, 'two');
    expect(await ask(prepare(5))).toMatchObject({ reply: { reason: 'not-voting' } });
    expect(await ask(accept(5, object))).toMatchObject({ reply: { reason: 'not-voting' } });
    expect(await ask(commit(5, object))).toMatchObject({ reply: { type: 'committed' } });
    expect(textsOf(await bench.held())).toEqual(['two']);
  });

  it('for an object that is no record of this key', async () => {
    const other = encodeRecord({ ...ENTRY, key: 'other' }, proposal(5, 'two'));
    const request = { ...accept(5, proposal(5, 'two')), object: other } as PaxosRequest;
    expect(await ask(request)).toMatchObject({ type: 'request-refused' });
  });
});

describe('a key that a round has reached', () => {
  const tombstone = recordOf(dot('a', 1), '', { content: { type: 'tombstone' } });

  it('keeps its record, whoever thinks that it is not needed', async () => {
    await place(tombstone);
    await ask(prepare(5));
    const digest = recordDigest(encodeRecord(ENTRY, tombstone));
    expect(await bench.replica.drop(ENTRY, digest)).toBe(false);
    expect(await bench.held()).toEqual(tombstone);
  });

  it('has no vote any more when its damaged record was replaced: what was chosen may be in what was lost', async () => {
    await ask(prepare(5));
    await replaceDamagedRecord();
    expect(await ask(prepare(9))).toMatchObject({ reply: { type: 'rejected', reason: 'not-voting' } });
    expect(await ask(read())).toMatchObject({ reply: { reason: 'not-voting' } });
    expect(asked).toEqual([ENTRY, ENTRY]);
    await ask(commit(9, proposal(9, 'nine')));
    expect(asked).toEqual([ENTRY, ENTRY, ENTRY]);
  });

  it('waits for a round that gives it one, also after a restart; plain reads need not, where nothing was accepted', async () => {
    await ask(prepare(5));
    await replaceDamagedRecord();
    const reopened = new AcceptorStore(bench.records, {
      storage: bench.storage,
      clock: bench.clock,
      tracer: { trace: () => {} },
      sizes: DEFAULT_WORK_SIZES,
    });
    await reopened.load();
    for (const acceptors of [bench.acceptors, reopened]) {
      expect([...acceptors.unfinished].map(({ entry }) => entry)).toEqual([ENTRY]);
      expect(acceptors.hasUnfinishedRound(ENTRY)).toBe(false);
    }
    await ask(admit(8));
    expect([...bench.acceptors.unfinished]).toEqual([]);
    expect(await bench.storage.get(NOTE_KEY)).toBeUndefined();
  });

  it('waits for it, too, when it was only told what was chosen of what it had accepted', async () => {
    const object = proposal(5, 'two');
    await ask(accept(5, object));
    await replaceDamagedRecord();
    expect(bench.acceptors.hasUnfinishedRound(ENTRY)).toBe(true);
    const committed = acceptor.serve(commit(5, object));
    await turns();
    // It is not in the record yet.
    expect(bench.acceptors.hasUnfinishedRound(ENTRY)).toBe(true);
    await bench.storage.passAll();
    expect(await committed).toMatchObject({ reply: { type: 'committed' } });
    expect(bench.acceptors.hasUnfinishedRound(ENTRY)).toBe(false);
    expect([...bench.acceptors.unfinished].map(({ entry }) => entry)).toEqual([ENTRY]);
    expect(await bench.storage.get(NOTE_KEY)).toBeDefined();
  });

  it('votes at once if its operator says so, and keeps what it had promised', async () => {
    await ask(prepare(5));
    await replaceDamagedRecord();
    const taken = acceptor.takeLostVotes();
    await bench.storage.passAll();
    expect(await taken).toBe(true);
    expect(await ask(prepare(4))).toMatchObject({ reply: { reason: 'outbid' } });
    expect(await ask(prepare(6))).toMatchObject({ reply: { type: 'promised' } });
    expect(await acceptor.takeLostVotes()).toBe(false);
  });

  it('has one again when the others have let it, above all that it had promised', async () => {
    await ask(prepare(5));
    await replaceDamagedRecord();
    // From before, and late.
    expect(await ask(admit(4))).toMatchObject({ reply: { type: 'rejected', reason: 'outbid' } });
    expect(await ask(prepare(7))).toMatchObject({ reply: { reason: 'not-voting' } });
    expect(await ask(admit(8))).toMatchObject({ reply: { type: 'committed' } });
    expect(await ask(prepare(7))).toMatchObject({ reply: { reason: 'outbid' } });
    expect(await ask(prepare(9))).toMatchObject({ reply: { type: 'promised', chosen: ballot(8) } });
    expect(textsOf(await bench.held())).toEqual(expect.arrayContaining(['admitted']));
  });

  it('is mended only as another store if the others are no majority', async () => {
    await ask(prepare(5));
    bench.losses = { ...NO_LOSSES, hasOtherMajority: () => false, losePromises: async () => false };
    bench.storage.place(STORAGE_KEY, Uint8Array.of(1, 2, 3));
    const stored = bench.store(recordOf(dot('b', 1), 'two'));
    await bench.storage.passAll();
    expect(await stored).toMatchObject({ type: 'store-refused' });
  });

  it('begins anew, as that of another store, when its state can be read by nobody', async () => {
    let lost = 0;
    bench.losses = {
      ...NO_LOSSES,
      losePromises: async () => {
        lost += 1;
        return true;
      },
    };
    acceptor = newProcess(2);
    bench.storage.place(STATE_KEY, Uint8Array.of(1, 2, 3));
    expect(await ask(prepare(6))).toMatchObject({ type: 'request-refused' });
    expect(lost).toBe(1);
    expect(await ask(prepare(4))).toMatchObject({ reply: { type: 'promised', promisedBefore: undefined } });
  });

  it('makes the process somebody else if what was chosen knows dots of it that the store has lost', async () => {
    const minted = bench.mint('lost');
    await bench.storage.passAll();
    await minted;
    const object = proposal(5, 'two', await bench.held());
    bench.storage.remove(recordKey(PARTITION, ENTRY));
    const { replica: local, records, acceptors, incarnations } = bench;
    acceptor = new Acceptor({
      ...{ local, records, acceptors, incarnations, floors: new Floors(bench.storage) },
      clock: { nowMs: () => 0, wallMs: () => 0, setTimer: () => ({ cancel: () => {} }) },
      tracer: { trace: (event) => bench.traces.push(event) },
      onChanged: () => {},
      standingOn: () => standing,
      losses: NO_LOSSES,
      memory: { takeNotes: () => [] },
      onWithoutVote: () => {},
    });
    const before = incarnations.current;
    await ask(commit(5, object));
    expect(incarnations.current).not.toBe(before);
    expect(textsOf(await bench.held())).toEqual(['two']);
  });
});
