/** The trees that are kept up to date say what trees say that are made from the data, whatever happens while they are built. */
import { describe, expect, it } from 'vitest';
import type { EntryName, Partition } from '../../../src/core/ids.ts';
import { TREE_LIFETIME_MS, TREE_REBUILD_MS } from '../../../src/core/limits.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { seededDraw } from '../../core/causality/seeded-draw.ts';
import { rebuiltTrees, rootOf, type Trees } from './rebuilt-trees.ts';
import { TreeBench } from './tree-bench.ts';

const STEP = DEFAULT_WORK_SIZES.treeStepRecords;

/** What the disk says, of the partitions that are built. */
function expected(bench: TreeBench): Trees {
  const unbuilt = new Set(bench.trees.roots().unbuilt.map(String));
  const { partitions } = bench.ring;
  return new Map(
    [...rebuiltTrees(bench.disk, partitions)].filter(([name]) => !unbuilt.has(name.split('/')[0] as string)),
  );
}

function assertExact(bench: TreeBench): void {
  expect(Object.fromEntries(bench.told())).toEqual(Object.fromEntries(expected(bench)));
}

describe('the trees', () => {
  it('say what the data says, while writes and builds run side by side', async () => {
    let changesWhileBuilding = 0;
    let looksWhileBuilding = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const draw = seededDraw(seed);
      const bench = new TreeBench(seed);
      // A few pages, some of which end where a partition ends, and keys that come to lie before, on and behind them.
      const count = draw(3) === 0 ? draw(3) * STEP : draw(3 * STEP);
      const entries = bench.entriesIn(0, count + 60);
      bench.place(entries.slice(0, count), recordOf(dot('a', 1), 'before'));
      const sorted = entries
        .slice(0, count)
        .toSorted((left, right) => Buffer.compare(bench.storageKey(left), bench.storageKey(right)));
      // Few enough that writes of one key wait for one another.
      const atEndsOfPages = sorted.filter((_, index) => (index + 2) % STEP <= 2);
      const write = (): void => {
        const some = draw(3) === 0 && atEndsOfPages.length > 0 ? atEndsOfPages : entries;
        const entry = some[draw(some.length)] as EntryName;
        const n = 1 + draw(3);
        if (draw(2) === 0) bench.mint(entry, 'mine', n);
        else bench.store(entry, recordOf(dot('b', 1 + draw(3)), 'theirs', { n }));
      };
      for (let round = 0; round < 3; round += 1) {
        const build = { isRunning: true };
        void bench.trees.buildDue().then(() => {
          build.isRunning = false;
        });
        while (build.isRunning) {
          // No more than the disk can take: a key whose turn never came would never be counted.
          for (let writes = draw(8); writes > 0 && bench.running < 32; writes -= 1) write();
          const before = bench.changes;
          await bench.runFor(draw(4_000) / 1_000);
          changesWhileBuilding += bench.changes - before;
          if (draw(10) > 0) continue;
          // A random moment, with nothing on its way but the build.
          await bench.settle();
          if (build.isRunning) looksWhileBuilding += 1;
          assertExact(bench);
        }
        await bench.settle();
        assertExact(bench);
        await bench.runFor(TREE_REBUILD_MS);
        bench.trees.doubt(0 as Partition);
      }
      expect(bench.trees.roots().unbuilt).toEqual([]);
    }
    // Otherwise all of this would prove nothing.
    expect(changesWhileBuilding).toBeGreaterThan(5_000);
    expect(looksWhileBuilding).toBeGreaterThan(100);
  });

  it.each([1, 2])('say it as well where %d records are listed at once', async (treeStepRecords) => {
    const bench = new TreeBench(1, { ...DEFAULT_WORK_SIZES, treeStepRecords });
    const entries = bench.entriesIn(0, 12);
    bench.place(entries.slice(0, 6), recordOf(dot('a', 1), 'before'));
    const build = { isRunning: true };
    void bench.trees.buildDue().then(() => {
      build.isRunning = false;
    });
    for (let turn = 0; build.isRunning; turn += 1) {
      if (bench.running < 4) bench.mint(entries[turn % entries.length] as EntryName, 'meanwhile', 3);
      await bench.runFor(1);
    }
    await bench.settle();
    assertExact(bench);
  });

  it('have the root of their leaves', async () => {
    const bench = new TreeBench(1);
    bench.place(bench.entriesIn(3, 50), recordOf(dot('a', 1), 'one'));
    await bench.build();
    const [root] = bench.trees.roots().roots;
    expect(Buffer.from(root?.root ?? []).toString('hex')).toBe(rootOf(bench.told().get('3/3') ?? ''));
  });

  it('count a record in the tree of its N, and move it when that grows', async () => {
    const bench = new TreeBench(1);
    const [entry] = bench.entriesIn(2, 1) as [EntryName];
    await bench.build();
    bench.store(entry, recordOf(dot('a', 1), 'one', { n: 1 }));
    await bench.settle();
    expect([...bench.told().keys()]).toEqual(['2/1']);
    bench.store(entry, recordOf(dot('b', 1), 'two', { n: 3 }));
    await bench.settle();
    expect([...bench.told().keys()]).toEqual(['2/3']);
    assertExact(bench);
  });

  it('do not count what cannot be read, and keep counting the rest', async () => {
    const bench = new TreeBench(1);
    const entries = bench.entriesIn(0, 5);
    bench.place(entries, recordOf(dot('a', 1), 'one'));
    const [damaged] = entries as [EntryName];
    bench.disk.takeEffect(
      [{ type: 'put', key: bench.storageKey(damaged), value: new Uint8Array(40).fill(1) }],
      true,
    );
    await bench.build();
    assertExact(bench);
    expect([...bench.told().keys()]).toEqual(['0/3']);
  });

  it('are told to be in doubt while they leave out what could not be read, and until they are built anew', async () => {
    const bench = new TreeBench(1);
    const [entry] = bench.entriesIn(5, 1) as [EntryName];
    bench.place([entry], recordOf(dot('a', 1), 'one'));
    const name = Buffer.from(bench.storageKey(entry)).toString('hex');
    bench.disk.misread = (key, value) =>
      Buffer.from(key).toString('hex') === name ? Uint8Array.of(1, 2, 3) : value;
    await bench.build();
    expect(bench.trees.roots()).toEqual({ unbuilt: [], doubtful: [5], roots: [] });
    bench.disk.misread = undefined;
    await bench.runFor(TREE_REBUILD_MS);
    expect(bench.trees.roots().doubtful).toEqual([5]);
    await bench.build();
    expect(bench.trees.roots().doubtful).toEqual([]);
    assertExact(bench);
    bench.trees.doubt(5 as Partition);
    expect(bench.trees.roots().doubtful).toEqual([5]);
  });
});

describe('the building of trees', () => {
  it('knows nothing of a partition before its end, and everything after it', async () => {
    const bench = new TreeBench(1);
    bench.place(bench.entriesIn(0, 300), recordOf(dot('a', 1), 'one'));
    void bench.trees.buildDue();
    await bench.loop.run(bench.loop.nowUs + 1_000_000, () => bench.trees.roots().unbuilt.length < 8);
    // The first has come to its end, and none before it.
    expect(bench.trees.isBuilt(0 as Partition)).toBe(true);
    expect(bench.trees.leaves({ partition: 7 as Partition, n: 3 })).toBeUndefined();
    await bench.runFor(1_000);
    expect(bench.trees.roots().unbuilt).toEqual([]);
    assertExact(bench);
  });

  it('sees within the lifetime of a tree what the disk lost silently, each partition at another time', async () => {
    const bench = new TreeBench(1);
    const partitions = [0, 5, 7];
    const lost = partitions.map((partition) => bench.entriesIn(partition, 3));
    bench.place(lost.flat(), recordOf(dot('a', 1), 'one'));
    await bench.build();
    const beganMs = bench.nowMs;
    const runTo = (ms: number): Promise<void> => bench.loop.run((beganMs + ms) * 1_000);
    for (const round of [0, 1]) {
      for (const entries of lost) {
        const entry = entries[round] as EntryName;
        bench.disk.takeEffect([{ type: 'delete', key: bench.storageKey(entry) }], true);
      }
      const foundAt: string[] = [];
      for (let eighth = 1; eighth <= 8; eighth += 1) {
        const dueMs = (round * 8 + eighth) * (TREE_LIFETIME_MS / 8);
        await runTo(dueMs - 60_000);
        await bench.build();
        const before = bench.told();
        // The second life of a tree begins when it was looked at here, a little after its first one ended.
        await runTo(dueMs + 60_000 * (round + 1));
        await bench.build();
        const found = partitions.map((partition) => `${partition}/3`);
        const changed = found.filter((name) => before.get(name) !== bench.told().get(name));
        foundAt.push(...changed.map((name) => `${name} after ${eighth} eighths`));
      }
      assertExact(bench);
      expect(foundAt).toEqual(['0/3 after 1 eighths', '5/3 after 6 eighths', '7/3 after 8 eighths']);
    }
  });

  it('is repeated at once for a tree in doubt, but not again and again', async () => {
    const bench = new TreeBench(1);
    const entries = bench.entriesIn(5, 3);
    bench.place(entries, recordOf(dot('a', 1), 'one'));
    await bench.build();
    bench.disk.takeEffect([{ type: 'delete', key: bench.storageKey(entries[0] as EntryName) }], true);
    bench.trees.doubt(5 as Partition);
    await bench.build();
    expect(bench.told()).not.toEqual(expected(bench));
    await bench.runFor(TREE_REBUILD_MS);
    await bench.build();
    assertExact(bench);
  });

  it('goes on behind a partition that cannot be read, and comes back to it', async () => {
    const bench = new TreeBench(1);
    bench.place([...bench.entriesIn(2, 3), ...bench.entriesIn(4, 3)], recordOf(dot('a', 1), 'one'));
    let isBroken = true;
    const sortedKeys = bench.disk.sortedKeys.bind(bench.disk);
    let ranges = 0;
    bench.disk.sortedKeys = () => {
      ranges += 1;
      // Partitions are built in order: the third range is that of partition 2.
      if (isBroken && ranges === 3) throw new Error('Input/output error');
      return sortedKeys();
    };
    await bench.build();
    expect(bench.trees.roots().unbuilt).toEqual([2]);
    assertExact(bench);
    expect(bench.traces).toEqual([
      { type: 'trees-not-built', partition: 2, reason: expect.stringContaining('Input/output error') },
    ]);

    // What happens meanwhile is not forgotten.
    bench.store(bench.entriesIn(2, 1, 1_000)[0] as EntryName, recordOf(dot('b', 1), 'new'));
    await bench.settle();
    isBroken = false;
    await bench.build();
    expect(bench.trees.roots().unbuilt).toEqual([2]);
    await bench.runFor(TREE_REBUILD_MS);
    await bench.build();
    expect(bench.trees.roots().unbuilt).toEqual([]);
    assertExact(bench);
  });

  it('keeps the trees that stand, and up to date, while they cannot be built anew', async () => {
    const bench = new TreeBench(1);
    bench.place(bench.entriesIn(2, 3), recordOf(dot('a', 1), 'one'));
    await bench.build();
    await bench.runFor(TREE_LIFETIME_MS);
    const sortedKeys = bench.disk.sortedKeys.bind(bench.disk);
    bench.disk.sortedKeys = () => {
      throw new Error('Input/output error');
    };
    await bench.build();
    bench.store(bench.entriesIn(2, 1, 1_000)[0] as EntryName, recordOf(dot('b', 1), 'new'));
    await bench.settle();
    bench.disk.sortedKeys = sortedKeys;
    expect(bench.trees.roots().unbuilt).toEqual([]);
    assertExact(bench);
  });

  it('ends early when the node closes, without a complaint, and leaves no timer', async () => {
    const bench = new TreeBench(1);
    bench.place(bench.entriesIn(0, 1_000), recordOf(dot('a', 1), 'one'));
    let isOver = false;
    void bench.trees.buildDue().then(() => {
      isOver = true;
    });
    await bench.runFor(20);
    expect(isOver).toBe(false);
    bench.pace.close();
    await bench.runFor(5);
    expect(isOver).toBe(true);
    expect(bench.life.timers).toBe(0);
    expect(bench.trees.roots().unbuilt).toHaveLength(8);
    expect(bench.traces).toEqual([]);
  });
});
