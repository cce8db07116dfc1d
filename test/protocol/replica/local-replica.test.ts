/** This node's own copy: reads, and joins of what peers send. */
import { describe, expect, it } from 'vitest';
import { encodeRecord, recordDigest } from '../../../src/codec/record-codec.ts';
import { formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { MAX_COMMIT_QUEUE_BYTES } from '../../../src/core/limits.ts';
import type { StoreReply } from '../../../src/core/message.ts';
import { dot, recordOf, textsOf } from '../../core/causality/sample-records.ts';
import { turns } from './held-storage.ts';
import { ENTRY, NO_LOSSES, ReplicaBench, STORAGE_KEY } from './replica-bench.ts';

describe('a read', () => {
  it('answers what is there, `same` for an equal digest, or that nothing is there', async () => {
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
    const minted = bench.mint('one');
    await turns();
    expect(bench.minted).toHaveLength(1);
    expect(await bench.read()).toEqual({ type: 'absent' });
    await bench.storage.passAll();
    await minted;
    expect((await bench.read()).type).toBe('found');
  });

  it.each([
    [
      'damaged bytes',
      encodeRecord(ENTRY, recordOf(dot('a', 1), 'one')).map((byte, index) =>
        index === 20 ? byte ^ 1 : byte,
      ),
    ],
    ['a record of another key', encodeRecord({ ...ENTRY, key: 'other' }, recordOf(dot('a', 1), 'one'))],
    ['nothing but a version', Uint8Array.of(1)],
    ['no bytes at all', new Uint8Array(0)],
  ])('answers `unreadable` for %s, and never `absent`', async (_what, bytes) => {
    const bench = new ReplicaBench();
    bench.storage.place(STORAGE_KEY, bytes);
    expect(await bench.read()).toMatchObject({ type: 'unreadable' });
    expect(bench.traces).toMatchObject([{ type: 'unreadable-record', ...ENTRY }]);
    expect(await bench.mint('three')).toMatchObject({ type: 'unreadable' });
    expect(bench.storage.calls).toBe(0);
  });

  it('that was damaged is replaced by what a peer sends, under another incarnation, and known to lack something', async () => {
    const bench = new ReplicaBench();
    bench.storage.place(STORAGE_KEY, Uint8Array.of(1, 2, 3));
    const before = bench.incarnations.current;
    const stored = bench.store(recordOf(dot('b', 1), 'two'));
    await turns();
    expect(bench.storage.held[0]?.batch.map(({ key }) => Buffer.from(key).toString())).toContain('damaged');
    expect(bench.incarnations.current).not.toBe(before);
    await bench.storage.held[0]?.pass();
    expect(await stored).toEqual({ type: 'stored' });
    expect(bench.traces.slice(-3).map(({ type }) => type)).toEqual([
      'incarnation-renewed',
      'batch-committed',
      'record-replaced',
    ]);
  });
});

describe('a damaged record', () => {
  it('stays while not all are there who may know what it held, and is replaced when they are', async () => {
    const bench = new ReplicaBench();
    const damaged = Uint8Array.of(1, 2, 3);
    bench.storage.place(STORAGE_KEY, damaged);
    const before = bench.incarnations.current;
    bench.losses = { ...NO_LOSSES, canRecover: () => false };
    expect(await bench.store(recordOf(dot('b', 1), 'two'))).toMatchObject({ type: 'store-refused' });
    expect(bench.storage.calls).toBe(0);
    expect(bench.incarnations.current).toBe(before);
    expect(await bench.read()).toMatchObject({ type: 'unreadable' });
    bench.losses = NO_LOSSES;
    const stored = bench.store(recordOf(dot('b', 1), 'two'));
    await bench.storage.passAll();
    expect(await stored).toEqual({ type: 'stored' });
  });
});

describe('a record that a peer sends', () => {
  it('is joined into what is here, and acknowledged when that is durable', async () => {
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
    const names = ['a', 'b', 'c', 'd'];
    const replies = names.map((name) => bench.store(recordOf(dot(name, 1), name)));
    await bench.storage.passAll();
    expect(await Promise.all(replies)).toEqual(names.map(() => ({ type: 'stored' })));
    expect(textsOf(await bench.held())).toEqual(names);
  });

  it('makes the node somebody else if it is ahead of this very incarnation', async () => {
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
    bench.place(recordOf(dot('a', 1), 'one'));
    const stored = bench.store(recordOf(dot('a', 1), 'other'));
    await bench.storage.passAll();
    await stored;
    expect(bench.traces).toContainEqual({ type: 'dot-collision', ...ENTRY, dot: formatDot(dot('a', 1)) });
    expect(textsOf(await bench.held()).toSorted()).toEqual(['one', 'other']);
  });

  it('is refused while too much waits for the disk, and taken again afterwards', async () => {
    const bench = new ReplicaBench();
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
