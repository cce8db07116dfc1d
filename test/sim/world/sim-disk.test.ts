import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLevelStorage } from '../../../src/adapters/level-storage.ts';
import type { Storage, StorageRange, StorageWrite } from '../../../src/ports/storage.ts';
import { storageContract } from '../../contract/storage-contract.ts';
import { EventLoop } from './event-loop.ts';
import { Life } from './life.ts';
import { pump } from './pump.ts';
import { type DiskOptions, SimDisk } from './sim-disk.ts';

const OPTIONS: DiskOptions = {
  meanSyncUs: 300,
  meanWriteUs: 100,
  meanReadUs: 50,
  stallChance: 0,
  stallUs: 0,
  segmentBytes: 1_000_000,
};
const FAR_US = 60_000_000;
const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const textOf = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1');
const put = (key: string, value: string): StorageWrite => ({
  type: 'put',
  key: bytes(key),
  value: bytes(value),
});

/** A disk with the process that has it open. */
class Machine {
  readonly loop: EventLoop;
  readonly disk: SimDisk;
  #life: Life;
  storage: Storage;

  constructor(seed: number, options: Partial<DiskOptions> = {}) {
    this.loop = new EventLoop(seed);
    this.disk = new SimDisk(seed, 'disk', this.loop, { ...OPTIONS, ...options });
    this.#life = newLife();
    this.storage = this.disk.opened(this.#life);
  }

  get life(): Life {
    return this.#life;
  }

  /** What comes of a promise, in virtual time. */
  async outcome<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const settle = (): unknown => (settled = true);
    promise.then(settle, settle);
    await this.loop.run(this.loop.nowUs + FAR_US, () => settled);
    if (!settled) throw new Error('nothing came of it');
    return promise;
  }

  write(writes: readonly StorageWrite[], sync: boolean): Promise<void> {
    return this.outcome(this.storage.write(writes, { sync }));
  }

  /** The process ends, with its machine's power or without, and another one opens the disk. */
  restart(power: boolean): void {
    this.#life.end();
    if (power) this.disk.powerLost();
    else this.disk.processEnded();
    this.#life = newLife();
    this.storage = this.disk.opened(this.#life);
  }

  async value(key: string): Promise<string | undefined> {
    return textOf(await this.outcome(Promise.resolve(this.storage.get(bytes(key)))));
  }
}

function newLife(): Life {
  return new Life('process', () => {});
}

storageContract('the simulated disk', () => {
  const machine = new Machine(1);
  const stop = pump(machine.loop);
  return Promise.resolve({
    storage: machine.storage,
    reopen: async () => {
      await machine.storage.close();
      machine.restart(false);
      return machine.storage;
    },
    dispose: stop,
  });
});

describe('the simulated disk is like LevelDB', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quorate-sim-disk-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const key = fc
    .uint8Array({ minLength: 1, maxLength: 3 })
    .map((part) => part.map((byte) => [0x00, 0x01, 0x7f, 0x80, 0xff][byte % 5] as number));
  const write: fc.Arbitrary<StorageWrite> = fc.oneof(
    fc.record({ type: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ type: fc.constant('delete' as const), key }),
  );
  const range: fc.Arbitrary<StorageRange> = fc
    .tuple(key, key, fc.boolean(), fc.option(fc.nat(6), { nil: undefined }))
    .map(([from, to, reverse, limit]) =>
      limit === undefined ? { from, to, reverse } : { from, to, reverse, limit },
    );
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('write' as const), batch: fc.array(write), sync: fc.boolean() }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('range' as const), range }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  );

  async function entriesOf(storage: Storage, wanted: StorageRange): Promise<string[]> {
    const entries: string[] = [];
    for await (const [name, value] of storage.range(wanted)) entries.push(`${textOf(name)} ${textOf(value)}`);
    return entries;
  }

  it('in what any operations come to, one after the other', async () => {
    let level = await openLevelStorage({ directory });
    const machine = new Machine(1);
    const stop = pump(machine.loop);
    const everything = { from: new Uint8Array(0), to: new Uint8Array(8).fill(255) };
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          for (const next of steps) {
            if (next.do === 'reopen') {
              await level.close();
              level = await openLevelStorage({ directory });
              await machine.storage.close();
              machine.restart(false);
            } else if (next.do === 'write') {
              for (const storage of [level, machine.storage])
                await storage.write(next.batch, { sync: next.sync });
            } else if (next.do === 'get') {
              expect(textOf(await machine.storage.get(next.key))).toBe(textOf(await level.get(next.key)));
            } else {
              expect(await entriesOf(machine.storage, next.range)).toEqual(
                await entriesOf(level, next.range),
              );
            }
          }
          expect(await entriesOf(machine.storage, everything)).toEqual(await entriesOf(level, everything));
        }),
        { numRuns: 100 },
      );
    } finally {
      await stop();
      await level.close();
    }
  });
});

describe('the simulated disk loses', () => {
  it('nothing that was synced, whatever happens', async () => {
    for (const seed of SEEDS.slice(0, 50)) {
      const machine = new Machine(seed, { segmentBytes: 40 });
      for (let round = 0; round < 6; round += 1) {
        await machine.write([put('left', `${round}`), put('right', `${round}`)], true);
        await machine.write([put('unsynced', `${round}`)], false);
        machine.restart(round % 2 === 0);
        expect([await machine.value('left'), await machine.value('right')]).toEqual([`${round}`, `${round}`]);
      }
    }
  });

  it('with the process nothing that was written, synced or not', async () => {
    const machine = new Machine(1);
    await machine.write([put('a', '1')], false);
    machine.restart(false);
    expect(await machine.value('a')).toBe('1');
    machine.restart(true);
    expect(await machine.value('a')).toBe('1');
  });

  it('with the power the last unsynced batches of a segment, each of them whole', async () => {
    const kept = new Set<number>();
    for (const seed of SEEDS) {
      const machine = new Machine(seed);
      for (let batch = 0; batch < 5; batch += 1)
        await machine.write([put(`left ${batch}`, 'v'), put(`right ${batch}`, 'v')], false);
      machine.restart(true);
      const states = await Promise.all(
        [0, 1, 2, 3, 4].map(async (batch) => [
          await machine.value(`left ${batch}`),
          await machine.value(`right ${batch}`),
        ]),
      );
      const there = states.filter(([left]) => left !== undefined).length;
      expect(states).toEqual(states.map((_, batch) => (batch < there ? ['v', 'v'] : [undefined, undefined])));
      kept.add(there);
    }
    expect(kept).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  it('what one sync of its segment had covered no more', async () => {
    for (const seed of SEEDS.slice(0, 50)) {
      const machine = new Machine(seed);
      await machine.write([put('before', 'v')], false);
      await machine.write([put('synced', 'v')], true);
      machine.restart(true);
      expect([await machine.value('before'), await machine.value('synced')]).toEqual(['v', 'v']);
    }
  });

  it('now and then an unsynced batch of an older segment, although a later one that was synced is there', async () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const machine = new Machine(seed, { segmentBytes: 30 });
      await machine.write([put('older', 'v'.repeat(20))], false);
      await machine.write([put('newer', 'v'.repeat(20))], true);
      machine.restart(true);
      expect(await machine.value('newer')).not.toBeUndefined();
      seen.add((await machine.value('older')) === undefined ? 'lost' : 'kept');
    }
    expect(seen).toEqual(new Set(['kept', 'lost']));
  });

  it('a batch in flight or keeps it, whole', async () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const machine = new Machine(seed);
      void machine.storage.write([put('left', 'v'), put('right', 'v')], { sync: true });
      await machine.loop.run(machine.loop.nowUs + 150);
      machine.restart(true);
      const state = `${await machine.value('left')} ${await machine.value('right')}`;
      expect(['v v', 'undefined undefined']).toContain(state);
      seen.add(state);
    }
    expect(seen.size).toBe(2);
  });

  it('everything when it is replaced, and what came after a snapshot when that comes back', async () => {
    const machine = new Machine(1);
    await machine.write([put('a', '1')], true);
    const snapshot = machine.disk.snapshot();
    await machine.write([put('a', '2'), put('b', '2')], true);
    machine.disk.rollBack(snapshot);
    machine.restart(true);
    expect([await machine.value('a'), await machine.value('b')]).toEqual(['1', undefined]);
    machine.disk.wipe();
    machine.restart(true);
    expect(await machine.value('a')).toBeUndefined();
  });

  it('never what it calls durable', async () => {
    for (const seed of SEEDS.slice(0, 100)) {
      const machine = new Machine(seed, { segmentBytes: 60 });
      for (let round = 0; round < 8; round += 1)
        await machine.write([put(`key ${round % 3}`, `${round}`)], (round * seed) % 3 === 0);
      const durable = [0, 1, 2].map((key) => textOf(machine.disk.durableValue(bytes(`key ${key}`))));
      machine.restart(true);
      for (const [key, value] of durable.entries()) {
        if (value === undefined) continue;
        // A later batch may have been kept by luck, an earlier one never comes back.
        expect(Number(await machine.value(`key ${key}`))).toBeGreaterThanOrEqual(Number(value));
      }
    }
  });
});

describe('the simulated disk', () => {
  it('lets writes that run together take effect in any order', async () => {
    const winners = new Set<string | undefined>();
    for (const seed of SEEDS.slice(0, 50)) {
      const machine = new Machine(seed);
      const writes = ['first', 'second'].map((value) =>
        machine.storage.write([put('key', value)], { sync: false }),
      );
      await machine.outcome(Promise.all(writes));
      winners.add(await machine.value('key'));
    }
    expect(winners).toEqual(new Set(['first', 'second']));
  });

  it.each([
    ['fail' as const, undefined],
    ['fail-after-effect' as const, 'lost?'],
  ])(
    'takes no more writes after one that came to %s, until it is opened again; reads go on',
    async (fault, after) => {
      const machine = new Machine(1);
      await machine.write([put('kept', 'v')], true);
      machine.disk.writeFault = fault;
      await expect(machine.write([put('failed', 'lost?')], true)).rejects.toThrow('No space left');
      machine.disk.writeFault = 'none';
      await expect(machine.write([put('later', 'v')], true)).rejects.toThrow('An earlier write failed');
      expect([await machine.value('kept'), await machine.value('failed')]).toEqual(['v', after]);
      machine.restart(false);
      await machine.write([put('later', 'v')], true);
      expect([await machine.value('kept'), await machine.value('later')]).toEqual(['v', 'v']);
    },
  );

  it('never answers a process that is dead', async () => {
    const machine = new Machine(1);
    const { storage } = machine;
    let answers = 0;
    const answered = (): unknown => (answers += 1);
    const read = async (): Promise<unknown> => storage.get(bytes('a'));
    for (const promise of [read(), storage.write([put('a', '1')], { sync: true })])
      promise.then(answered, answered);
    machine.restart(false);
    for (const promise of [read(), storage.write([put('b', '1')], { sync: true }), storage.close()])
      promise.then(answered, answered);
    await machine.loop.run(FAR_US);
    expect(answers).toBe(0);
    expect(await machine.value('b')).toBeUndefined();
  });

  it('dies inside the call that it was to die in: that one and those after it are not made', async () => {
    const machine = new Machine(1);
    machine.life.crashAfterCalls(1);
    await machine.write([put('a', '1')], true);
    void machine.storage.write([put('b', '1')], { sync: true });
    expect(machine.life.alive).toBe(false);
    await machine.loop.run(FAR_US);
    machine.restart(false);
    expect([await machine.value('a'), await machine.value('b')]).toEqual(['1', undefined]);
  });

  it('misreads while it is told to, and holds what it held', async () => {
    const machine = new Machine(1, { meanReadUs: 0 });
    await machine.write([put('a', '1')], true);
    machine.disk.misread = () => bytes('wrong');
    expect(await machine.value('a')).toBe('wrong');
    machine.disk.misread = () => {
      throw new Error('Input/output error');
    };
    await expect(machine.value('a')).rejects.toThrow('Input/output error');
    machine.disk.misread = undefined;
    expect(await machine.value('a')).toBe('1');
  });
});
