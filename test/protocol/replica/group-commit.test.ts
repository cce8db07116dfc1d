import { describe, expect, it } from 'vitest';
import { sequenceOfKey } from '../../../src/codec/key-layout.ts';
import { MAX_BATCH_BYTES } from '../../../src/core/limits.ts';
import { DEFAULT_WORK_SIZES } from '../../../src/core/work-sizes.ts';
import type { StorageWrite } from '../../../src/ports/storage.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import {
  GroupCommit,
  type GroupCommitOptions,
  StorageFailed,
} from '../../../src/protocol/replica/group-commit.ts';
import { HeldStorage, turns } from './held-storage.ts';

class Bench {
  readonly storage = new HeldStorage();
  readonly traces: TraceEvent[] = [];
  readonly fatal: Error[] = [];
  readonly commit: GroupCommit;
  /** What became of each write, by its name. */
  readonly results: string[] = [];

  fireTimer: () => void = () => {};

  constructor(sync = true, sizes: GroupCommitOptions['sizes'] = DEFAULT_WORK_SIZES) {
    this.commit = new GroupCommit({
      storage: this.storage,
      clock: {
        nowMs: () => 0,
        wallMs: () => 0,
        setTimer: (_ms, onFire) => {
          this.fireTimer = onFire;
          return { cancel: () => (this.fireTimer = () => {}) };
        },
      },
      tracer: { trace: (event) => this.traces.push(event) },
      sync,
      sequence: 0,
      sizes,
      onFatal: (error) => this.fatal.push(error),
    });
  }

  write(name: string, bytes = 1): void {
    this.commit.write({ type: 'put', key: Buffer.from(name), value: new Uint8Array(bytes) }).then(
      () => this.results.push(`${name} durable`),
      (error: unknown) => this.results.push(`${name} ${(error as Error).name}`),
    );
  }
}

function unhurried({ commit }: Bench, name: string): Promise<void> {
  return commit.writeUnhurried({ type: 'put', key: Buffer.from(name), value: new Uint8Array(1) });
}

/** Of all that was asked for: each batch has the sequence number of the store beside it. */
function namesOf(batch: readonly StorageWrite[] | undefined): string[] {
  const asked = (batch ?? []).filter(({ key }) => sequenceOfKey(key) === undefined);
  return asked.map(({ key }) => Buffer.from(key).toString());
}

function sequenceIn(batch: readonly StorageWrite[] | undefined): number | undefined {
  return numbersIn(batch, 'put')[0];
}

function numbersIn(
  batch: readonly StorageWrite[] | undefined,
  type: StorageWrite['type'],
): readonly (number | undefined)[] {
  const writes = (batch ?? []).filter((write) => write.type === type);
  return writes.map(({ key }) => sequenceOfKey(key)).filter((number) => number !== undefined);
}

describe('a group commit', () => {
  it('brings writes of one turn into one batch, and those that come meanwhile into the next', async () => {
    const bench = new Bench();
    const { storage, results } = bench;
    for (const name of ['a', 'b', 'c']) bench.write(name);
    await turns();
    expect(storage.held.map(({ batch }) => namesOf(batch))).toEqual([['a', 'b', 'c']]);
    for (const name of ['d', 'e']) bench.write(name);
    await turns();
    // At most one batch is in flight.
    expect(storage.calls).toBe(1);
    expect(results).toEqual([]);

    await storage.held[0]?.pass();
    expect(results).toEqual(['a durable', 'b durable', 'c durable']);
    expect(storage.held.map(({ batch }) => namesOf(batch))).toEqual([['d', 'e']]);
    await storage.held[0]?.pass();
    expect(results.slice(3)).toEqual(['d durable', 'e durable']);
    expect(storage.calls).toBe(2);
  });

  it('makes the store go on by one number with each batch, told when that is durable', async () => {
    const { storage, commit, ...bench } = new Bench();
    expect(commit.sequence).toBe(0);
    for (const [number, name] of ['a', 'b', 'c'].entries()) {
      void commit.write({ type: 'put', key: Buffer.from(name), value: new Uint8Array(1) });
      await turns();
      expect(sequenceIn(storage.held[0]?.batch)).toBe(number + 1);
      // The number before it goes, so that one which stays tells of a batch that was lost.
      expect(numbersIn(storage.held[0]?.batch, 'delete')).toEqual([number]);
      expect(commit.sequence).toBe(number);
      await storage.held[0]?.pass();
      expect(commit.sequence).toBe(number + 1);
    }
    expect(bench.fatal).toEqual([]);
  });

  it('does not go on for notes, unless they share a batch with something else', async () => {
    const { storage, commit } = new Bench();
    const note = { type: 'put', key: Buffer.from('note'), value: new Uint8Array(1) } as const;
    void commit.writeNote(note);
    await turns();
    expect(namesOf(storage.held[0]?.batch)).toEqual(['note']);
    expect(sequenceIn(storage.held[0]?.batch)).toBeUndefined();
    await storage.held[0]?.pass();
    expect(commit.sequence).toBe(0);
    void commit.writeNote(note);
    void commit.write(note);
    await turns();
    expect(sequenceIn(storage.held[0]?.batch)).toBe(1);
  });

  it('lets what nobody waits for go with the next batch', async () => {
    const bench = new Bench();
    const { storage } = bench;
    void unhurried(bench, 'a');
    await turns();
    expect(storage.calls).toBe(0);
    bench.write('b');
    await turns();
    expect(namesOf(storage.held[0]?.batch)).toEqual(['a', 'b']);
    void unhurried(bench, 'c');
    await storage.held[0]?.pass();
    await turns();
    expect(storage.calls).toBe(1);
    bench.fireTimer();
    await turns();
    expect(namesOf(storage.held[0]?.batch)).toEqual(['c']);
  });

  it('writes what nobody waits for when somebody does, and when it closes', async () => {
    const bench = new Bench();
    const { storage, commit } = bench;
    void unhurried(bench, 'a');
    commit.hurry();
    await turns();
    expect(namesOf(storage.held[0]?.batch)).toEqual(['a']);
    await storage.held[0]?.pass();
    const last = unhurried(bench, 'b');
    const closed = commit.close();
    await turns();
    await storage.held[0]?.pass();
    await Promise.all([last, closed]);
  });

  it('takes several writes as one: they never part', async () => {
    const { storage, commit } = new Bench();
    const put = (name: string) =>
      ({ type: 'put', key: Buffer.from(name), value: new Uint8Array(MAX_BATCH_BYTES / 2) }) as const;
    void commit.write(put('a'));
    void commit.write(put('b'), put('c'));
    await turns();
    expect(namesOf(storage.held[0]?.batch)).toEqual(['a']);
    await storage.held[0]?.pass();
    expect(namesOf(storage.held[0]?.batch)).toEqual(['b', 'c']);
  });

  it.each([true, false])('asks for a sync as it was told to: %s', async (sync) => {
    const bench = new Bench(sync);
    bench.write('a');
    await turns();
    expect(bench.storage.held[0]?.sync).toBe(sync);
  });

  it('bounds a batch in entries and in bytes, but takes a larger write alone', async () => {
    const bench = new Bench();
    const { batchEntries } = DEFAULT_WORK_SIZES;
    for (let index = 0; index <= batchEntries; index += 1) bench.write(`${index}`);
    await turns();
    expect(namesOf(bench.storage.held[0]?.batch)).toHaveLength(batchEntries);
    await bench.storage.held[0]?.pass();
    expect(namesOf(bench.storage.held[0]?.batch)).toHaveLength(1);

    bench.write('half', MAX_BATCH_BYTES / 2);
    bench.write('more than the other half', MAX_BATCH_BYTES / 2);
    bench.write('huge', 2 * MAX_BATCH_BYTES);
    bench.write('small');
    const batches: string[][] = [];
    await bench.storage.held[0]?.pass();
    while (bench.storage.held.length > 0) {
      batches.push(namesOf(bench.storage.held[0]?.batch));
      await bench.storage.held[0]?.pass();
    }
    expect(batches).toEqual([['half'], ['more than the other half'], ['huge'], ['small']]);
    expect(bench.results).toHaveLength(batchEntries + 5);
  });

  it('of one entry takes one write after the other, in their order, each whole', async () => {
    const bench = new Bench(true, { batchEntries: 1 });
    bench.write('a');
    void unhurried(bench, 'b');
    void bench.commit.write(
      ...['c', 'd'].map((name) => ({ type: 'delete', key: Buffer.from(name) }) as const),
    );
    const batches: string[][] = [];
    await turns();
    while (bench.storage.held.length > 0) {
      batches.push(namesOf(bench.storage.held[0]?.batch));
      await bench.storage.held[0]?.pass();
    }
    expect(batches).toEqual([['a'], ['b'], ['c', 'd']]);
    expect([bench.commit.sequence, bench.commit.queuedBytes]).toEqual([3, 0]);
  });

  it('tells how many bytes wait, without those in flight', async () => {
    const bench = new Bench();
    bench.write('a', 99);
    expect(bench.commit.queuedBytes).toBe(100);
    await turns();
    expect(bench.commit.queuedBytes).toBe(0);
    bench.write('b', 999);
    bench.write('c', 9);
    expect(bench.commit.queuedBytes).toBe(1_010);
    await bench.storage.passAll();
    expect(bench.commit.queuedBytes).toBe(0);
  });

  it('traces each batch', async () => {
    const bench = new Bench();
    bench.write('a', 9);
    bench.write('b', 19);
    await bench.storage.passAll();
    expect(bench.traces).toEqual([{ type: 'batch-committed', entries: 2, bytes: 30, ms: 0 }]);
  });
});

describe('a group commit whose store failed', () => {
  it('fails what was in flight and what waited, tells so once, and tries nothing more', async () => {
    const bench = new Bench();
    bench.write('a');
    await turns();
    bench.write('b');
    await bench.storage.held[0]?.fail('Input/output error');
    bench.write('c');
    await turns();

    expect(bench.results).toEqual(['a StorageFailed', 'b StorageFailed', 'c StorageFailed']);
    expect(bench.storage.calls).toBe(1);
    expect(bench.fatal.map(({ message }) => message)).toEqual([
      'the store failed on a write: Input/output error',
    ]);
    expect(bench.fatal[0]).toBeInstanceOf(StorageFailed);
    expect(bench.commit.failure).toBe(bench.fatal[0]);
    expect(bench.traces).toEqual([{ type: 'storage-failed', reason: 'Input/output error' }]);
    expect(bench.commit.queuedBytes).toBe(0);
  });

  it('can be closed', async () => {
    const bench = new Bench();
    bench.write('a');
    await turns();
    const closed = bench.commit.close();
    await bench.storage.held[0]?.fail('Input/output error');
    await closed;
    expect(bench.results).toEqual(['a StorageFailed']);
  });
});

describe('a group commit that is closed', () => {
  it('writes what waits, and takes nothing more', async () => {
    const bench = new Bench();
    bench.write('a');
    await turns();
    bench.write('b');
    let closed = false;
    void bench.commit.close().then(() => {
      closed = true;
    });
    bench.write('c');
    await turns();
    expect(bench.results).toEqual(['c Error']);
    await bench.storage.held[0]?.pass();
    expect(closed).toBe(false);
    await bench.storage.held[0]?.pass();
    expect(closed).toBe(true);
    expect(bench.results).toEqual(['c Error', 'a durable', 'b durable']);
    // It is no failure of the store.
    expect(bench.fatal).toEqual([]);
    expect(bench.traces.map(({ type }) => type)).toEqual(['batch-committed', 'batch-committed']);
  });

  it('is closed at once if nothing is to be done', async () => {
    await expect(new Bench().commit.close()).resolves.toBeUndefined();
  });
});
