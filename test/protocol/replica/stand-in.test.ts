/** What a replica does with a record that it is to keep for another: whether it may, and what goes to the disk together. */
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/codec/record-codec.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { dot, recordOf, value } from '../../core/causality/sample-records.ts';
import { ReplicaBench } from './replica-bench.ts';

/** An entry of whose two home replicas n1, which the bench is, is none. */
function entryElsewhere(bench: ReplicaBench): {
  readonly entry: EntryName;
  readonly homes: readonly NodeId[];
} {
  for (let index = 0; ; index += 1) {
    const entry = { bucket: 'things', key: `key-${index}` };
    const homes = bench.records.homesOf(entry, 2);
    if (!homes.includes('n1' as NodeId)) return { entry, homes };
  }
}

const ONE = recordOf(dot('a', 1), 'one', { n: 2 });
const TWO = recordOf(dot('b', 1), 'two', { n: 2 });

function kindsOf({ storage }: ReplicaBench): readonly (readonly string[])[] {
  return storage.held.map(({ batch }) =>
    batch.map(({ type, key }) => `${type} ${String.fromCharCode(key[0] ?? 0)}`),
  );
}

describe('a record to be kept for another', () => {
  it('goes to the disk with its hint, in one batch, which the sequence number of the store counts', async () => {
    const bench = new ReplicaBench();
    const { entry, homes } = entryElsewhere(bench);
    const stored = bench.storeFor(homes[0] as string, ONE, entry);
    await new Promise((resolve) => setImmediate(resolve));
    expect(kindsOf(bench)).toEqual([['put d', 'put h', 'put s', 'delete s']]);
    expect(bench.hintedFor).toEqual([]);
    await bench.storage.passAll();
    expect(await stored).toEqual({ type: 'stored' });
    expect(bench.hintedFor).toEqual([homes[0]]);
    expect(await bench.hintsOf(entry)).toEqual([homes[0]]);
  });

  it('is joined like any other; its hint is set once', async () => {
    const bench = new ReplicaBench();
    const { entry, homes } = entryElsewhere(bench);
    for (const record of [ONE, TWO, TWO]) {
      const stored = bench.storeFor(homes[0] as string, record, entry);
      await bench.storage.passAll();
      expect(await stored).toEqual({ type: 'stored' });
    }
    expect(bench.storage.calls).toBe(2);
    expect(bench.hints.pending.get(homes[0] as NodeId)).toMatchObject({
      count: 1,
      bytes: encodeRecord(entry, ONE).length,
    });
  });

  it('that is here already gets its hint all the same, before it is acknowledged', async () => {
    const bench = new ReplicaBench();
    const { entry, homes } = entryElsewhere(bench);
    for (const owner of homes) {
      const stored = bench.storeFor(owner, ONE, entry);
      await bench.storage.passAll();
      expect(await stored).toEqual({ type: 'stored' });
    }
    expect((await bench.hintsOf(entry)).toSorted()).toEqual(homes.toSorted());
  });

  it.each([
    ['this node itself', 3, (): string => 'n1'],
    ['a member that the record does not belong to', 1, (homes: readonly NodeId[]): string => homes[1] ?? ''],
    ['somebody who is no member', 3, (): string => 'stranger'],
  ])('for %s is refused', async (_what, n, ownerOf) => {
    const bench = new ReplicaBench();
    const { entry, homes } = entryElsewhere(bench);
    const record = recordOf(dot('a', 1), 'one', { n });
    expect(await bench.storeFor(ownerOf(homes), record, entry)).toMatchObject({ type: 'store-refused' });
    expect(bench.storage.calls).toBe(0);
  });
});

describe('the bounds of hints', () => {
  it.each([
    ['number', { maxHintsPerOwner: 1 }],
    ['bytes', { maxHintBytes: 100 }],
  ])('refuse new ones (%s), but not what is kept already', async (_what, limits) => {
    const bench = new ReplicaBench(limits);
    const { entry, homes } = entryElsewhere(bench);
    const [owner] = homes as [NodeId];
    const first = bench.storeFor(owner, ONE, entry);
    await bench.storage.passAll();
    expect(await first).toEqual({ type: 'stored' });

    const others = Array.from({ length: 50 }, (_, index) => ({ bucket: 'things', key: `other-${index}` }));
    const other = others.find((name) => bench.records.homesOf(name, 2).includes(owner)) as EntryName;
    for (const isFirst of [true, false]) {
      expect(await bench.storeFor(owner, ONE, other)).toMatchObject({ type: 'store-refused' });
      expect(bench.traces.at(-1)).toMatchObject({ type: 'hint-refused', owner, isFirst });
    }
    const again = bench.storeFor(owner, TWO, entry);
    await bench.storage.passAll();
    expect(await again).toEqual({ type: 'stored' });
  });

  it('hold for hints that come at once, too', async () => {
    const bench = new ReplicaBench({ maxHintsPerOwner: 1 });
    const { homes } = entryElsewhere(bench);
    const [owner] = homes as [NodeId];
    const names = Array.from({ length: 50 }, (_, index) => ({ bucket: 'things', key: `other-${index}` }));
    const own = names.filter((name) => bench.records.homesOf(name, 2).includes(owner)).slice(0, 5);
    const replies = Promise.all(own.map((name) => bench.storeFor(owner, ONE, name)));
    await bench.storage.passAll();
    expect((await replies).filter(({ type }) => type === 'stored')).toHaveLength(1);
  });

  it('refuse new ones while the disk is below its reserve', async () => {
    const bench = new ReplicaBench();
    const { entry, homes } = entryElsewhere(bench);
    bench.isLowOnSpace = true;
    expect(await bench.storeFor(homes[0] as string, ONE, entry)).toMatchObject({ type: 'store-refused' });
    expect(bench.storage.calls).toBe(0);
  });
});

describe('a write that a fallback mints', () => {
  const write = { content: value('own'), seen: undefined, writtenAtMs: 1, identity: undefined, n: 2 };

  it('goes to the disk with its hint, in one batch, which the sequence number of the store counts', async () => {
    const bench = new ReplicaBench();
    const { entry, homes } = entryElsewhere(bench);
    const handlers = { isGivenUp: () => false, onMinted: () => {}, hintFor: homes[1] };
    const minted = bench.replica.mint(entry, write, handlers);
    await new Promise((resolve) => setImmediate(resolve));
    expect(kindsOf(bench)).toEqual([['put d', 'put h', 'put s', 'delete s']]);
    await bench.storage.passAll();
    expect(await minted).toMatchObject({ type: 'minted' });
    expect(await bench.hintsOf(entry)).toEqual([homes[1]]);
  });

  it('is not minted if it may not be kept', async () => {
    const bench = new ReplicaBench({ maxHintsPerOwner: 0 });
    const { entry, homes } = entryElsewhere(bench);
    const handlers = { isGivenUp: () => false, onMinted: () => expect.unreachable(), hintFor: homes[1] };
    expect(await bench.replica.mint(entry, write, handlers)).toMatchObject({ type: 'hint-refused' });
    expect(bench.storage.calls).toBe(0);
  });
});
