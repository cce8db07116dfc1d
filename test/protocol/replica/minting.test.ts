/** Writes that a replica makes events: each with a dot of its own, in its turn, and durable before it is done. */
import { describe, expect, it } from 'vitest';
import { covers } from '../../../src/core/causality/causal-context.ts';
import { formatDot, incarnationOf } from '../../../src/core/causality/dot.ts';
import type { MintOutcome } from '../../../src/protocol/replica/minting.ts';
import { context, dot, recordOf, textsOf } from '../../core/causality/sample-records.ts';
import { turns } from './held-storage.ts';
import { ENTRY, ReplicaBench } from './replica-bench.ts';

describe('a write that is made an event here', () => {
  it('gets a dot of its own, however many come at once', async () => {
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
    const stored = bench.store(recordOf(dot('a', 1), 'theirs'));
    const minted = bench.mint('mine', context({ b: [4] }));
    await bench.storage.passAll();
    await Promise.all([stored, minted]);
    expect(textsOf(await bench.held()).toSorted()).toEqual(['mine', 'theirs']);
  });

  it('is told of before it is durable, and is not done before', async () => {
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
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
    const bench = new ReplicaBench();
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
    expect(await bench.mint('one')).toMatchObject({
      type: 'unreadable',
      reason: expect.stringContaining('Input/output error'),
    });
    expect(bench.minted).toEqual([]);
  });
});
