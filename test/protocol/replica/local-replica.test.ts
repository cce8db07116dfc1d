/** This node's own copy: reads, joins of what peers send, and writes that are made events here. */
import { describe, expect, it } from 'vitest';
import { placementHash } from '../../../src/codec/hash.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import { decodeRecord, encodeRecord, recordDigest } from '../../../src/codec/record-codec.ts';
import { covers } from '../../../src/core/causality/causal-context.ts';
import type { ProposedWrite } from '../../../src/core/causality/decide-write.ts';
import { formatDot, incarnationOf } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName, StoreId } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS, MAX_COMMIT_QUEUE_BYTES } from '../../../src/core/limits.ts';
import type { ReadReply, StoreReply } from '../../../src/core/message.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { GroupCommit } from '../../../src/protocol/replica/group-commit.ts';
import { IncarnationSource } from '../../../src/protocol/replica/incarnation.ts';
import { LocalReplica, type MintedWrite, type MintOutcome } from '../../../src/protocol/replica/local-replica.ts';
import { RecordStore } from '../../../src/protocol/replica/record-store.ts';
import { context, dot, recordOf, textsOf, value } from '../../core/causality/sample-records.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { SimRandom } from '../../sim/world/sim-random.ts';
import { HeldStorage, turns } from './held-storage.ts';

const ENTRY: EntryName = { bucket: 'things', key: 'key' };
const RING = buildRing(simConfig(3));
const STORAGE_KEY = recordKey(partitionOf(RING, placementHash(ENTRY)), ENTRY);

class Bench {
  readonly storage = new HeldStorage();
  readonly traces: TraceEvent[] = [];
  readonly incarnations = new IncarnationSource('s'.repeat(21).concat('A') as StoreId, new SimRandom(1, 'bench'));
  readonly records: RecordStore;
  readonly replica: LocalReplica;
  readonly minted: MintedWrite[] = [];

  constructor() {
    const tracer = { trace: (event: TraceEvent): unknown => this.traces.push(event) };
    const clock = { nowMs: () => 0, wallMs: () => 0, setTimer: () => ({ cancel: () => {} }) };
    const commit = new GroupCommit({ storage: this.storage, clock, tracer, sync: true, onFatal: () => {} });
    this.records = new RecordStore(RING, this.storage, commit);
    const { records, incarnations } = this;
    this.replica = new LocalReplica({ records, incarnations, limits: DEFAULT_LIMITS, tracer });
  }

  place(record: KeyRecord): void {
    this.storage.place(STORAGE_KEY, encodeRecord(ENTRY, record));
  }

  async held(): Promise<KeyRecord | undefined> {
    const bytes = await this.storage.get(STORAGE_KEY);
    return bytes === undefined ? undefined : decodeRecord(ENTRY, bytes);
  }

  read(known?: Uint8Array): Promise<ReadReply> {
    return this.replica.read({ type: 'read', ...ENTRY, known });
  }

  store(record: KeyRecord): Promise<StoreReply> {
    return this.replica.store({ type: 'store', ...ENTRY, record: encodeRecord(ENTRY, record) });
  }

  mint(text: string, seen?: KeyRecord['context'], isGivenUp = (): boolean => false): Promise<MintOutcome> {
    const write: ProposedWrite = { content: value(text), seen, writtenAtMs: 1, identity: undefined, n: 3 };
    return this.replica.mint(ENTRY, write, { isGivenUp, onMinted: (minted) => this.minted.push(minted) });
  }

  renewals(): TraceEvent[] {
    return this.traces.filter(({ type }) => type === 'incarnation-renewed');
  }
}

describe('a read', () => {
  it('answers what is there, `same` for an equal digest, or that nothing is there', async () => {
    const bench = new Bench();
    expect(await bench.read()).toEqual({ type: 'absent' });
    expect(await bench.read(new Uint8Array(16))).toEqual({ type: 'absent' });
    const record = recordOf(dot('a', 1), 'one');
    bench.place(record);
    const encoded = encodeRecord(ENTRY, record);
    expect(await bench.read()).toEqual({ type: 'found', record: encoded });
    expect(await bench.read(recordDigest(encoded))).toEqual({ type: 'same' });
    expect(await bench.read(new Uint8Array(16))).toEqual({ type: 'found', record: encoded });
  });

  it('sees nothing of a write before it is durable', async () => {
    const bench = new Bench();
    const minted = bench.mint('one');
    await turns();
    expect(bench.minted).toHaveLength(1);
    expect(await bench.read()).toEqual({ type: 'absent' });
    await bench.storage.passAll();
    await minted;
    expect((await bench.read()).type).toBe('found');
  });

  it.each([
    ['damaged bytes', encodeRecord(ENTRY, recordOf(dot('a', 1), 'one')).map((byte, index) => (index === 20 ? byte ^ 1 : byte))],
    ['a record of another key', encodeRecord({ ...ENTRY, key: 'other' }, recordOf(dot('a', 1), 'one'))],
    ['nothing but a version', Uint8Array.of(1)],
    ['no bytes at all', new Uint8Array(0)],
  ])('answers `unreadable` for %s, and never `absent`', async (_what, bytes) => {
    const bench = new Bench();
    bench.storage.place(STORAGE_KEY, bytes);
    expect(await bench.read()).toMatchObject({ type: 'unreadable' });
    expect(bench.traces).toMatchObject([{ type: 'unreadable-record', ...ENTRY }]);
    expect(await bench.store(recordOf(dot('b', 1), 'two'))).toMatchObject({ type: 'store-refused' });
    expect(await bench.mint('three')).toMatchObject({ type: 'unreadable' });
    expect(bench.storage.calls).toBe(0);
  });
});

describe('a record that a peer sends', () => {
  it('is joined into what is here, and acknowledged when that is durable', async () => {
    const bench = new Bench();
    bench.place(recordOf(dot('a', 1), 'one'));
    let reply: StoreReply | undefined;
    void bench.store(recordOf(dot('b', 1), 'two')).then((given) => {
      reply = given;
    });
    await turns();
    expect(bench.storage.held).toHaveLength(1);
    expect(reply).toBeUndefined();
    await bench.storage.passAll();
    expect(reply).toEqual({ type: 'stored' });
    expect(textsOf(await bench.held())).toEqual(['one', 'two']);
  });

  it('is written once: what is here already is acknowledged without a write', async () => {
    const bench = new Bench();
    const old = recordOf(dot('a', 1), 'old');
    const newer = recordOf(dot('b', 1), 'newer', { seen: old.context });
    const stored = bench.store(newer);
    await bench.storage.passAll();
    expect(await stored).toEqual({ type: 'stored' });
    expect(bench.storage.calls).toBe(1);
    // The same again, and one that it supersedes.
    expect(await bench.store(newer)).toEqual({ type: 'stored' });
    expect(await bench.store(old)).toEqual({ type: 'stored' });
    expect(bench.storage.calls).toBe(1);
    expect(textsOf(await bench.held())).toEqual(['newer']);
  });

  it('is joined one after the other: none of those that come together is lost', async () => {
    const bench = new Bench();
    const names = ['a', 'b', 'c', 'd'];
    const replies = names.map((name) => bench.store(recordOf(dot(name, 1), name)));
    await bench.storage.passAll();
    expect(await Promise.all(replies)).toEqual(names.map(() => ({ type: 'stored' })));
    expect(textsOf(await bench.held())).toEqual(names);
  });

  it('makes the node somebody else if it is ahead of this very incarnation', async () => {
    const bench = new Bench();
    const minted = bench.mint('lost');
    await bench.storage.passAll();
    await minted;
    const lost = bench.minted[0]?.record as KeyRecord;
    const before = bench.incarnations.current;
    // The disk goes back to where it held nothing.
    bench.storage.remove(STORAGE_KEY);

    const stored = bench.store(lost);
    await bench.storage.passAll();
    expect(await stored).toEqual({ type: 'stored' });
    expect(bench.renewals()).toMatchObject([{ ...ENTRY, from: before, to: bench.incarnations.current }]);
    expect(bench.incarnations.current).not.toBe(before);
    expect(textsOf(await bench.held())).toEqual(['lost']);
  });

  it('is traced if it collides with a dot that is here, and both are kept', async () => {
    const bench = new Bench();
    bench.place(recordOf(dot('a', 1), 'one'));
    const stored = bench.store(recordOf(dot('a', 1), 'other'));
    await bench.storage.passAll();
    await stored;
    expect(bench.traces).toContainEqual({ type: 'dot-collision', ...ENTRY, dot: formatDot(dot('a', 1)) });
    expect(textsOf(await bench.held()).toSorted()).toEqual(['one', 'other']);
  });

  it('is refused while too much waits for the disk, and taken again afterwards', async () => {
    const bench = new Bench();
    const other = { ...ENTRY, key: 'other' };
    void bench.records.put(other, new Uint8Array(1));
    await turns();
    void bench.records.put(other, new Uint8Array(MAX_COMMIT_QUEUE_BYTES + 1));
    const record = recordOf(dot('a', 1), 'one');
    expect(await bench.store(record)).toEqual({
      type: 'store-refused',
      reason: 'too many writes wait for the disk',
    });
    await bench.storage.held[0]?.pass();
    const stored = bench.store(record);
    await bench.storage.passAll();
    expect(await stored).toEqual({ type: 'stored' });
  });
});

describe('a write that is made an event here', () => {
  it('gets a dot of its own, however many come at once', async () => {
    const bench = new Bench();
    const writes = ['one', 'two', 'three', 'four'].map((text) => bench.mint(text));
    await bench.storage.passAll();
    await Promise.all(writes);
    const dots = bench.minted.map(({ dot: minted }) => formatDot(minted));
    expect(new Set(dots).size).toBe(4);
    const record = await bench.held();
    expect(textsOf(record).toSorted()).toEqual(['four', 'one', 'three', 'two']);
    // One epoch, counted up.
    expect(record?.siblings.map(({ dot: { counter } }) => counter)).toEqual([1, 2, 3, 4]);
    expect(new Set(record?.siblings.map(({ dot: { actor } }) => actor)).size).toBe(1);
  });

  it('waits its turn behind a record of a peer, and covers nothing that it has not seen', async () => {
    const bench = new Bench();
    const stored = bench.store(recordOf(dot('a', 1), 'theirs'));
    const minted = bench.mint('mine', context({ b: [4] }));
    await bench.storage.passAll();
    await Promise.all([stored, minted]);
    expect(textsOf(await bench.held()).toSorted()).toEqual(['mine', 'theirs']);
  });

  it('is told of before it is durable, and is not done before', async () => {
    const bench = new Bench();
    let outcome: MintOutcome | undefined;
    void bench.mint('one').then((given) => {
      outcome = given;
    });
    await turns();
    expect(bench.minted).toHaveLength(1);
    expect(outcome).toBeUndefined();
    await bench.storage.passAll();
    expect(outcome).toMatchObject({ type: 'minted', dot: bench.minted[0]?.dot });
  });

  it('is not minted if it is given up when its turn comes', async () => {
    const bench = new Bench();
    let isGivenUp = false;
    const first = bench.mint('one');
    const second = bench.mint('two', undefined, () => isGivenUp);
    await turns();
    isGivenUp = true;
    await bench.storage.passAll();
    await first;
    expect(await second).toEqual({ type: 'given-up' });
    expect(bench.minted).toHaveLength(1);
    expect(textsOf(await bench.held())).toEqual(['one']);
  });

  it('makes the node somebody else if the client’s token is ahead of this very incarnation', async () => {
    const bench = new Bench();
    const before = bench.incarnations.current;
    const actor = bench.incarnations.openEpoch().toString(36);
    const seen = { vector: new Map([[`${before}.${actor}` as never, 3]]), cloud: new Map() };
    const minted = bench.mint('two', seen);
    await bench.storage.passAll();
    await minted;
    expect(bench.renewals()).toMatchObject([{ from: before, to: bench.incarnations.current }]);
    const [event] = bench.minted;
    expect(incarnationOf(event?.dot.actor as never)).toBe(bench.incarnations.current);
    expect(covers(event?.record.context as never, seen)).toBe(true);
  });

  it('is refused, and nothing sent, once a write has failed on the disk', async () => {
    const bench = new Bench();
    const first = bench.mint('one');
    first.catch(() => {});
    await turns();
    await bench.storage.held[0]?.fail('Input/output error');
    await expect(first).rejects.toThrow('Input/output error');
    expect(await bench.mint('two')).toMatchObject({ type: 'unreadable' });
    expect(await bench.read()).toMatchObject({ type: 'unreadable' });
    expect(bench.minted).toHaveLength(1);
    expect(bench.storage.calls).toBe(1);
  });

  it('is not minted if the disk failed between its look at the record and its turn', async () => {
    const bench = new Bench();
    const other = bench.records.put({ ...ENTRY, key: 'other' }, new Uint8Array(1));
    other.catch(() => {});
    await turns();
    const [failing] = bench.storage.held;
    // The read of the record is answered, and before anything else runs, the write of the other key fails.
    const get = bench.storage.get.bind(bench.storage);
    bench.storage.get = async (key) => {
      const found = await get(key);
      await failing?.fail('Input/output error');
      return found;
    };
    await expect(bench.mint('one')).rejects.toThrow('Input/output error');
    expect(bench.minted).toEqual([]);
  });
});
