import { describe, expect, it } from 'vitest';
import { KeyLock } from '../../../src/protocol/replica/key-lock.ts';
import { turns } from './held-storage.ts';

/** A section that runs until it is told to end. */
class Section {
  began = false;
  end: () => void = () => {};
  fail: () => void = () => {};
  readonly result: Promise<string>;

  constructor(lock: KeyLock, key: string, name: string) {
    this.result = lock.run(
      key,
      () =>
        new Promise((resolve, reject) => {
          this.began = true;
          this.end = () => resolve(name);
          this.fail = () => reject(new Error(name));
        }),
    );
  }
}

describe('a key lock', () => {
  it('runs the sections of one key one after the other, in order', async () => {
    const lock = new KeyLock(() => {});
    const sections = ['a', 'b', 'c'].map((name) => new Section(lock, 'key', name));
    for (const [index, section] of sections.entries()) {
      await turns();
      expect(sections.map(({ began }) => began)).toEqual(sections.map((_, place) => place <= index));
      section.end();
    }
    expect(await Promise.all(sections.map(({ result }) => result))).toEqual(['a', 'b', 'c']);
  });

  it('begins the first one at once', () => {
    expect(new Section(new KeyLock(() => {}), 'key', 'a').began).toBe(true);
  });

  it('knows whether something waits for the section that runs, and tells when something begins to', async () => {
    let waits = 0;
    const lock = new KeyLock(() => (waits += 1));
    expect(lock.settled('key')).toBeUndefined();
    const first = new Section(lock, 'key', 'a');
    expect([lock.isAwaited('key'), waits]).toEqual([false, 0]);
    const settled = lock.settled('key');
    expect([lock.isAwaited('key'), waits]).toEqual([true, 1]);
    first.end();
    await settled;
    await turns();
    expect([lock.isAwaited('key'), lock.settled('key')]).toEqual([false, undefined]);
  });

  it('runs sections of different keys side by side', async () => {
    const lock = new KeyLock(() => {});
    const left = new Section(lock, 'left', 'a');
    const right = new Section(lock, 'right', 'b');
    await turns();
    expect([left.began, right.began]).toEqual([true, true]);
  });

  it('goes on after a section that failed, or threw, and passes the failure on', async () => {
    const lock = new KeyLock(() => {});
    const first = new Section(lock, 'key', 'a');
    const second = new Section(lock, 'key', 'b');
    const thrown = lock.run('key', () => {
      throw new Error('c');
    });
    const last = new Section(lock, 'key', 'd');
    first.fail();
    await expect(first.result).rejects.toThrow('a');
    second.end();
    await expect(thrown).rejects.toThrow('c');
    await turns();
    last.end();
    expect(await last.result).toBe('d');
  });

  it('does not let a section in that comes while the last one leaves', async () => {
    const lock = new KeyLock(() => {});
    const first = new Section(lock, 'key', 'a');
    const second = new Section(lock, 'key', 'b');
    first.end();
    await first.result;
    const third = new Section(lock, 'key', 'c');
    await turns();
    expect([second.began, third.began]).toEqual([true, false]);
    second.end();
    await turns();
    expect(third.began).toBe(true);
  });
});
