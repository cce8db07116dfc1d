/** A store in memory whose writes wait until a test lets them through, or fail. Reads see what was let through. */
import type { Storage, StorageRange, StorageWrite } from '../../../src/ports/storage.ts';

export interface HeldWrite {
  readonly batch: readonly StorageWrite[];
  readonly sync: boolean;
  /** Takes effect, and is answered. */
  readonly pass: () => Promise<void>;
  readonly fail: (message: string) => Promise<void>;
}

export class HeldStorage implements Storage {
  /** Writes that wait, in order of their calls. */
  readonly held: HeldWrite[] = [];
  /** How many writes were asked for so far. */
  calls = 0;
  readonly #content = new Map<string, Uint8Array>();

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#content.get(nameOf(key)));
  }

  /** Puts something there without a write. */
  place(key: Uint8Array, value: Uint8Array): void {
    this.#content.set(nameOf(key), value);
  }

  /** Loses something. */
  remove(key: Uint8Array): void {
    this.#content.delete(nameOf(key));
  }

  write(batch: readonly StorageWrite[], { sync }: { readonly sync: boolean }): Promise<void> {
    this.calls += 1;
    return new Promise((resolve, reject) => {
      const held: HeldWrite = {
        batch,
        sync,
        pass: () => {
          for (const write of batch) {
            if (write.type === 'put') this.place(write.key, write.value);
            else this.remove(write.key);
          }
          return this.#release(held, resolve);
        },
        fail: (message) => this.#release(held, () => reject(new Error(message))),
      };
      this.held.push(held);
    });
  }

  /** Lets writes through until none is asked for any more. */
  async passAll(): Promise<void> {
    await turns();
    for (let write = this.held[0]; write !== undefined; write = this.held[0]) await write.pass();
  }

  async *range({ from, to }: StorageRange): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    await Promise.resolve();
    const names = [...this.#content.keys()].map((name) => Buffer.from(name, 'latin1'));
    for (const key of names.toSorted((left, right) => Buffer.compare(left, right))) {
      const isIn = Buffer.compare(from, key) <= 0 && Buffer.compare(key, to) < 0;
      if (isIn) yield [key, this.#content.get(nameOf(key)) as Uint8Array];
    }
  }

  freeSpaceBytes(): Promise<number> {
    return Promise.resolve(Number.POSITIVE_INFINITY);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #release(held: HeldWrite, answer: () => void): Promise<void> {
    this.held.splice(this.held.indexOf(held), 1);
    answer();
    await turns();
  }
}

/** Lets everything run that waits for nothing but promises. */
export function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
