/**
 * What any implementation of the storage port must do. Failures of the disk are not part of it: how to bring them
 * about is each implementation's own business.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage, StorageRange, StorageWrite } from '../../src/ports/storage.ts';

export interface OpenedStorage {
  /** Empty. */
  readonly storage: Storage;
  /** Closes what is open and opens the same data again. */
  reopen(): Promise<Storage>;
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, value: string): StorageWrite => ({
  type: 'put',
  key: bytes(key),
  value: bytes(value),
});
const remove = (key: string): StorageWrite => ({ type: 'delete', key: bytes(key) });
const latin1 = (value: Uint8Array): string => Buffer.from(value).toString('latin1');

async function valueOf(storage: Storage, key: string): Promise<string | undefined> {
  const value = await storage.get(bytes(key));
  return value === undefined ? undefined : latin1(value);
}

async function entriesOf(storage: Storage, range: StorageRange): Promise<string[][]> {
  const entries: string[][] = [];
  for await (const [key, value] of storage.range(range)) entries.push([latin1(key), latin1(value)]);
  return entries;
}

const EVERYTHING: StorageRange = { from: new Uint8Array(0), to: new Uint8Array(64).fill(255) };
const sync = { sync: true };
const unsynced = { sync: false };

/** Registers the suite. `open` gives an empty store of its own to each test. */
export function storageContract(name: string, open: () => Promise<OpenedStorage>): void {
  describe(`${name} keeps the storage contract`, () => {
    let opened: OpenedStorage;
    let storage: Storage;

    beforeEach(async () => {
      opened = await open();
      storage = opened.storage;
    });

    afterEach(async () => {
      await opened.dispose();
    });

    it('gives back what was put, undefined for what was not', async () => {
      await storage.write([put('a', '1'), put('empty', ''), put('__proto__', '2')], sync);
      expect(await valueOf(storage, 'a')).toBe('1');
      expect(await valueOf(storage, 'empty')).toBe('');
      expect(await valueOf(storage, '__proto__')).toBe('2');
      expect(await valueOf(storage, 'b')).toBeUndefined();
    });

    it('keeps any bytes, in keys and in values of a mebibyte', async () => {
      const key = Uint8Array.from({ length: 256 }, (_, index) => index);
      const value = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7) & 255);
      await storage.write([{ type: 'put', key, value }], unsynced);
      const found = await storage.get(key);
      expect(found !== undefined && Buffer.compare(found, value)).toBe(0);
    });

    it('takes keys and values that are views into larger buffers', async () => {
      const buffer = Buffer.from('..key..value..');
      await storage.write(
        [{ type: 'put', key: buffer.subarray(2, 5), value: buffer.subarray(7, 12) }],
        unsynced,
      );
      expect(await valueOf(storage, 'key')).toBe('value');
    });

    it('gives values and keys whose slice is a copy', async () => {
      await storage.write([put('k', 'abc')], unsynced);
      const value = await storage.get(bytes('k'));
      value?.slice().fill(0);
      expect(value && latin1(value)).toBe('abc');
      for await (const [key, inRange] of storage.range(EVERYTHING)) {
        key.slice().fill(0);
        inRange.slice().fill(0);
        expect([latin1(key), latin1(inRange)]).toEqual(['k', 'abc']);
      }
    });

    it('is not changed by whoever changes the bytes it gave', async () => {
      await storage.write([put('k', 'abc')], unsynced);
      (await storage.get(bytes('k')))?.fill(0);
      for await (const [key, value] of storage.range(EVERYTHING)) {
        key.fill(0);
        value.fill(0);
      }
      expect(await entriesOf(storage, EVERYTHING)).toEqual([['k', 'abc']]);
    });

    it('deletes, also what is not there', async () => {
      await storage.write([put('a', '1'), put('b', '2')], sync);
      await storage.write([remove('a'), remove('never')], sync);
      expect(await entriesOf(storage, EVERYTHING)).toEqual([['b', '2']]);
    });

    it('applies a batch in its order: the last write of a key counts', async () => {
      await storage.write([put('a', '1'), put('a', '2'), put('b', '1'), remove('b')], sync);
      await storage.write([remove('c'), put('c', '3')], sync);
      expect(await entriesOf(storage, EVERYTHING)).toEqual([
        ['a', '2'],
        ['c', '3'],
      ]);
    });

    it('takes an empty batch', async () => {
      await storage.write([], sync);
      expect(await entriesOf(storage, EVERYTHING)).toEqual([]);
    });

    it('shows a batch whole or not at all', async () => {
      const writes = Array.from({ length: 20 }, (_, round) =>
        storage.write([put('left', `${round}`), put('right', `${round}`)], unsynced),
      );
      const seen = await Promise.all(writes.map(() => entriesOf(storage, EVERYTHING)));
      await Promise.all(writes);
      for (const entries of [...seen, await entriesOf(storage, EVERYTHING)]) {
        expect(entries[0]?.[1]).toBe(entries[1]?.[1]);
      }
    });

    it('gives ranges from `from` inclusive to `to` exclusive, in both directions, up to a limit', async () => {
      await storage.write(
        ['a', 'b', 'c', 'd', 'e'].map((key) => put(key, key)),
        unsynced,
      );
      const keys = async (range: Omit<StorageRange, 'from' | 'to'>, from = 'b', to = 'e'): Promise<string> =>
        (await entriesOf(storage, { from: bytes(from), to: bytes(to), ...range }))
          .map(([key]) => key)
          .join('');
      expect(await keys({})).toBe('bcd');
      expect(await keys({ reverse: true })).toBe('dcb');
      expect(await keys({ limit: 2 })).toBe('bc');
      expect(await keys({ reverse: true, limit: 2 })).toBe('dc');
      expect(await keys({ limit: 0 })).toBe('');
      expect(await keys({ limit: 100 })).toBe('bcd');
      expect(await keys({}, 'c', 'c')).toBe('');
      expect(await keys({}, 'd', 'b')).toBe('');
      expect(await keys({ reverse: true }, 'd', 'b')).toBe('');
      expect(await keys({}, '', 'c')).toBe('ab');
      expect(await keys({}, 'aa', 'bb')).toBe('b');
    });

    it('gives long ranges whole', async () => {
      const name = (index: number): string => `${index}`.padStart(5, '0');
      const writes = Array.from({ length: 2_500 }, (_, index) => put(name(index), 'v'.repeat(200)));
      await storage.write(writes, unsynced);
      const entries = await entriesOf(storage, EVERYTHING);
      expect(entries.map(([key]) => key)).toEqual(writes.map((_, index) => name(index)));
    });

    it('gives a range as of the moment when its iteration starts', async () => {
      await storage.write([put('a', '1'), put('c', '1')], unsynced);
      const range = storage.range(EVERYTHING);
      await storage.write([put('b', 'before the start')], unsynced);
      const iterator = range[Symbol.asyncIterator]();
      const seen: string[][] = [];
      for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
        const [key, value] = step.value;
        seen.push([latin1(key), latin1(value)]);
        await storage.write([put('bb', 'too late'), put('c', 'too late'), remove('b')], unsynced);
      }
      expect(seen).toEqual([
        ['a', '1'],
        ['b', 'before the start'],
        ['c', '1'],
      ]);
    });

    it('lets go of a range that is left early', async () => {
      await storage.write([put('a', '1'), put('b', '2')], unsynced);
      for await (const [key] of storage.range(EVERYTHING)) {
        expect(latin1(key)).toBe('a');
        break;
      }
      await storage.close();
    });

    it('behaves as a sorted map under any operations, also when opened again', async () => {
      const key = fc
        .uint8Array({ minLength: 1, maxLength: 2 })
        .map((part) => part.map((byte) => byte & 0x83));
      const write = fc.oneof(
        fc.record({ type: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 4 }) }),
        fc.record({ type: fc.constant('delete' as const), key }),
      );
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), batch: fc.array(write) }) },
        {
          weight: 6,
          arbitrary: fc.record({
            do: fc.constant('range' as const),
            from: key,
            to: key,
            reverse: fc.boolean(),
            limit: fc.nat(8),
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
      );
      const model = new Map<string, string>();
      const inRange = ({ from, to, reverse, limit }: StorageRange): string[][] => {
        const found = [...model].filter(([name]) => name >= latin1(from) && name < latin1(to));
        found.sort(([a], [b]) => (a < b ? -1 : 1));
        return (reverse === true ? found.reverse() : found).slice(0, limit);
      };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          for (const next of steps) {
            if (next.do === 'reopen') storage = await opened.reopen();
            else if (next.do === 'range') expect(await entriesOf(storage, next)).toEqual(inRange(next));
            else {
              await storage.write(next.batch, unsynced);
              for (const one of next.batch) {
                if (one.type === 'put') model.set(latin1(one.key), latin1(one.value));
                else model.delete(latin1(one.key));
              }
              for (const { key: touched } of next.batch) {
                const value = await storage.get(touched);
                expect(value && latin1(value)).toBe(model.get(latin1(touched)));
              }
            }
          }
          expect(await entriesOf(storage, EVERYTHING)).toEqual(inRange(EVERYTHING));
        }),
        { numRuns: 40 },
      );
    });

    it('has everything again after a close, synced or not', async () => {
      await storage.write([put('synced', '1')], sync);
      await storage.write([put('unsynced', '2')], unsynced);
      storage = await opened.reopen();
      expect(await entriesOf(storage, EVERYTHING)).toEqual([
        ['synced', '1'],
        ['unsynced', '2'],
      ]);
      await storage.write([put('later', '3')], sync);
      expect(await valueOf(storage, 'later')).toBe('3');
    });

    it('finishes what runs before it closes', async () => {
      const writes = Array.from({ length: 10 }, (_, index) => storage.write([put(`${index}`, 'v')], sync));
      await storage.close();
      await Promise.all(writes);
      storage = await opened.reopen();
      expect(await entriesOf(storage, EVERYTHING)).toHaveLength(10);
    });

    it('can be closed twice; then every call rejects', async () => {
      await storage.write([put('a', '1')], sync);
      await Promise.all([storage.close(), storage.close()]);
      await storage.close();
      await expect((async () => storage.get(bytes('a')))()).rejects.toThrow();
      await expect(entriesOf(storage, EVERYTHING)).rejects.toThrow();
      await expect(storage.write([put('b', '1')], unsynced)).rejects.toThrow();
      await expect(storage.freeSpaceBytes()).rejects.toThrow();
    });

    it('does not wait for an open range when it closes: its next step rejects', async () => {
      await storage.write([put('a', '1'), put('b', '2')], unsynced);
      const iterator = storage.range(EVERYTHING)[Symbol.asyncIterator]();
      await iterator.next();
      await storage.close();
      await expect(iterator.next()).rejects.toThrow();
    });

    it('knows its free space', async () => {
      expect(await storage.freeSpaceBytes()).toBeGreaterThan(0);
    });
  });
}
