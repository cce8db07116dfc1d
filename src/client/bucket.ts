/** Reading and changing the keys of one bucket, with siblings for the caller to see or with a resolver for them. */
import { AnyBucket } from './any-bucket.ts';
import type { BucketSetup } from './any-bucket.ts';
import type { Entry, Found, ResolvedEntry, Updated } from './entry.ts';
import type { ReadOptions, UpdateOptions } from './options.ts';
import type { Resolver } from './resolve.ts';
import { updateLoop } from './update.ts';
import type { Change } from './update.ts';

/** A bucket whose siblings the caller sees. */
export class Bucket<T> extends AnyBucket<T> {
  /** Reads a key: one value (`found`), several concurrently written ones (`conflict`), or none (`absent`). */
  async get(key: string, options: ReadOptions = {}): Promise<Entry<T>> {
    return this.read(key, options);
  }

  /**
   * Reads, lets `change` make a value of all that is there (none, one, or siblings), and writes it with the context of
   * the read: siblings that `change` saw are resolved. `change` may answer `DELETE`, or undefined to leave all as it is.
   *
   * A write that surely was not applied is tried again from the read on, so `change` may be called more than once. A
   * write with an unknown outcome is not: the error says so.
   */
  async update(
    key: string,
    change: (values: readonly T[], entry: Entry<T>) => Change<T>,
    options: UpdateOptions = {},
  ): Promise<Updated<T>> {
    return updateLoop(this.steps(key, options), async (entry) => change(valuesOf(entry), entry));
  }
}

/** A bucket whose siblings a resolver makes one value of: no read answers `conflict`. */
export class ResolvingBucket<T> extends AnyBucket<T> {
  readonly #resolve: Resolver<T>;

  constructor(setup: BucketSetup<T>, resolve: Resolver<T>) {
    super(setup);
    this.#resolve = resolve;
  }

  /**
   * Reads a key: a value (`found`) or none (`absent`). Siblings are resolved in the answer only; the next write that is
   * given its context settles them in the store.
   */
  async get(key: string, options: ReadOptions = {}): Promise<ResolvedEntry<T>> {
    return resolved(await this.read(key, options), this.#resolve);
  }

  /**
   * Reads, lets `change` make a new value of the (resolved) old one, undefined if there is none, and writes it with the
   * context of the read. `change` may answer `DELETE`, or undefined to leave all as it is.
   *
   * A write that surely was not applied is tried again from the read on, so `change` may be called more than once. A
   * write with an unknown outcome is not: the error says so.
   */
  async update(
    key: string,
    change: (value: T | undefined, entry: ResolvedEntry<T>) => Change<T>,
    options: UpdateOptions = {},
  ): Promise<Updated<T>> {
    return updateLoop(this.steps(key, options), async (read) => {
      const entry = resolved(read, this.#resolve);
      return change(entry.type === 'found' ? entry.value : undefined, entry);
    });
  }
}

function valuesOf<T>(entry: Entry<T>): readonly T[] {
  if (entry.type === 'conflict') return entry.siblings.map((sibling) => sibling.value);
  return entry.type === 'found' ? [entry.value] : [];
}

/** The entry with its siblings made one value. The context covers all of them, so that the next write settles them. */
function resolved<T>(entry: Entry<T>, resolve: Resolver<T>): ResolvedEntry<T> {
  if (entry.type !== 'conflict') return entry;
  const { siblings, ...rest } = entry;
  const found: Found<T> = {
    ...rest,
    type: 'found',
    value: resolve(siblings),
    contentType: siblings[0].contentType,
    resolvedFrom: siblings.length,
  };
  return found;
}
