/** What a node keeps for others, counted: from its disk at start, and with every change. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { hintKey } from '../../../src/codec/key-layout.ts';
import { placementHash } from '../../../src/codec/hash.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { buildRing, partitionOf } from '../../../src/core/ring/ring.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { HintStore } from '../../../src/protocol/handoff/hint-store.ts';
import { EventLoop } from '../../sim/world/event-loop.ts';
import { Life } from '../../sim/world/life.ts';
import { simConfig } from '../../sim/world/quiet-world.ts';
import { SimDisk } from '../../sim/world/sim-disk.ts';

const RING = buildRing(simConfig(5));
const N1 = 'n1' as NodeId;
const N2 = 'n2' as NodeId;
const DISK = {
  meanSyncUs: 0,
  meanWriteUs: 0,
  meanReadUs: 0,
  stallChance: 0,
  stallUs: 0,
  segmentBytes: 1_000_000,
};

const entryOf = (index: number): EntryName => ({ bucket: 'things', key: `key-${index}` });

class Bench {
  readonly loop = new EventLoop(1);
  readonly disk = new SimDisk(1, 'bench', this.loop, DISK);
  readonly traces: TraceEvent[] = [];
  wallMs = 1_000_000;

  open(
    limits = { maxHintsPerOwner: 1_000_000, maxHintBytes: 1_000_000_000 },
    sizes: { readonly hintPage: number } = DEFAULT_WORK_SIZES,
  ): HintStore {
    return new HintStore({
      storage: this.disk.opened(new Life('bench', () => {})),
      ring: RING,
      clock: { nowMs: () => 0, wallMs: () => this.wallMs, setTimer: () => ({ cancel: () => {} }) },
      tracer: { trace: (event) => this.traces.push(event) },
      limits,
      sizes,
      isLowOnSpace: () => false,
      onStored: () => {},
    });
  }

  /** Lets the disk answer. */
  async run<Result>(promise: Promise<Result>): Promise<Result> {
    await setImmediate();
    await this.loop.run(this.loop.nowUs + 1_000_000);
    return promise;
  }

  /** Sets a hint, as it is when its batch has taken effect. */
  add(store: HintStore, owner: NodeId, index: number, bytes = 100): void {
    this.disk.takeEffect([store.add(owner, entryOf(index), { bytes, isStray: false })], true);
  }

  async remove(store: HintStore, owner: NodeId, index: number): Promise<void> {
    const hint = await this.run(store.find(owner, entryOf(index)));
    if (hint === undefined) throw new Error('there is no such hint');
    this.disk.takeEffect([store.removal(owner, entryOf(index))], true);
    store.removed(owner, hint);
  }
}

describe('hints', () => {
  it('are counted by owner, with their bytes and the age of the oldest', async () => {
    const bench = new Bench();
    const store = bench.open();
    bench.add(store, N1, 1, 10);
    bench.wallMs += 5_000;
    bench.add(store, N1, 2, 20);
    bench.add(store, N2, 1, 30);
    bench.wallMs += 5_000;
    expect(store.pending).toEqual(
      new Map([
        [N1, { count: 2, bytes: 30, oldestAgeMs: 10_000 }],
        [N2, { count: 1, bytes: 30, oldestAgeMs: 5_000 }],
      ]),
    );
    await bench.remove(store, N1, 1);
    expect(store.pending.get(N1)).toEqual({ count: 1, bytes: 20, oldestAgeMs: 5_000 });
    await bench.remove(store, N1, 2);
    expect([store.countOf(N1), store.pending.has(N1)]).toEqual([0, false]);
  });

  it('are counted from the disk, page by page, and told if there are any', async () => {
    const bench = new Bench();
    const first = bench.open();
    const count = 2 * DEFAULT_WORK_SIZES.hintPage + 1;
    for (let index = 0; index < count; index += 1) bench.add(first, index % 2 === 0 ? N1 : N2, index);
    const second = bench.open();
    expect(second.pending.size).toBe(0);
    await bench.run(second.load());
    expect(second.pending).toEqual(first.pending);
    expect(bench.traces).toEqual([{ type: 'hints-loaded', count, ms: 0 }]);
  });

  it('that were none are not told of', async () => {
    const bench = new Bench();
    const store = bench.open();
    await bench.run(store.load());
    expect([store.pending.size, bench.traces]).toEqual([0, []]);
  });

  it('are gone through page by page, each once, and only those of the owner', async () => {
    const bench = new Bench();
    const store = bench.open();
    const { hintPage } = DEFAULT_WORK_SIZES;
    for (let index = 0; index < hintPage + 10; index += 1) bench.add(store, N1, index);
    bench.add(store, N2, 1);
    const seen: string[] = [];
    let next: Uint8Array | undefined;
    do {
      const page = await bench.run(store.page(N1, next));
      expect(page.entries.length).toBeLessThanOrEqual(hintPage);
      seen.push(...page.entries.map(({ key }) => key));
      next = page.next;
    } while (next !== undefined);
    expect(new Set(seen).size).toBe(hintPage + 10);
    expect(seen).toHaveLength(hintPage + 10);
  });

  it.each([1, 2, 3])(
    'are all met on pages of %d, at the start and when they are gone through',
    async (hintPage) => {
      const bench = new Bench();
      for (let index = 0; index < 6; index += 1) bench.add(bench.open(), N1, index);
      bench.add(bench.open(), N2, 1);
      const store = bench.open(undefined, { hintPage });
      await bench.run(store.load());
      expect([store.countOf(N1), store.countOf(N2)]).toEqual([6, 1]);
      const seen: string[] = [];
      for (let next: Uint8Array | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
        const page = await bench.run(store.page(N1, next));
        expect(page.entries.length).toBeLessThanOrEqual(hintPage);
        seen.push(...page.entries.map(({ key }) => key));
        next = page.next;
      }
      expect(seen.toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((index) => `key-${index}`));
    },
  );

  it('count for their bounds after a restart, too', async () => {
    const bench = new Bench();
    bench.add(bench.open(), N1, 1, 60);
    const store = bench.open({ maxHintsPerOwner: 1, maxHintBytes: 100 });
    await bench.run(store.load());
    expect(store.refusal(N1, 1)).toBe('1 hints are kept for n1, which is the limit');
    expect(store.refusal(N2, 41)).toBe('hints of 60 bytes are kept, and the limit is 100');
    expect(store.refusal(N2, 40)).toBeUndefined();
  });

  it('whose value is damaged are kept, for what they say lies in their keys', async () => {
    const bench = new Bench();
    const key = hintKey(N1, partitionOf(RING, placementHash(entryOf(1))), entryOf(1));
    bench.disk.takeEffect([{ type: 'put', key, value: Uint8Array.of(1, 2, 3) }], true);
    const store = bench.open();
    await bench.run(store.load());
    expect(store.countOf(N1)).toBe(1);
    expect((await bench.run(store.page(N1))).entries).toEqual([entryOf(1)]);
    await bench.remove(store, N1, 1);
    expect(store.countOf(N1)).toBe(0);
  });

  it('leave nothing of their bytes when the last of an owner goes, if a value was misread when it was counted', async () => {
    const bench = new Bench();
    bench.add(bench.open(), N1, 1, 60);
    const key = hintKey(N1, partitionOf(RING, placementHash(entryOf(1))), entryOf(1));
    const value = bench.disk.visibleValue(key) as Uint8Array;
    bench.disk.takeEffect([{ type: 'put', key, value: Uint8Array.of(1, 2, 3) }], true);
    const store = bench.open({ maxHintsPerOwner: 10, maxHintBytes: 100 });
    await bench.run(store.load());
    bench.disk.takeEffect([{ type: 'put', key, value }], true);
    await bench.remove(store, N1, 1);
    expect(store.refusal(N2, 100)).toBeUndefined();
    expect(store.refusal(N2, 101)).toBe('hints of 0 bytes are kept, and the limit is 100');
  });

  it('leave nothing of their bytes when the last of an owner goes, if a value was misread when it went', async () => {
    const bench = new Bench();
    const store = bench.open({ maxHintsPerOwner: 10, maxHintBytes: 100 });
    bench.add(store, N1, 1, 60);
    bench.add(store, N2, 2, 30);
    bench.disk.misread = () => Uint8Array.of(1, 2, 3);
    await bench.remove(store, N1, 1);
    bench.disk.misread = undefined;
    expect(store.refusal(N1, 70)).toBeUndefined();
    expect(store.refusal(N1, 71)).toBe('hints of 30 bytes are kept, and the limit is 100');
  });
});
