/** Reading and changing the keys of one bucket, with siblings for the caller to see or with a resolver for them. */
import type { BucketSetup } from './any-bucket.ts';
import { ConditionalBucket } from './conditional-bucket.ts';
import type { CasResult, DeleteIfResult, Entry, Found, LostRace, ResolvedEntry, Updated } from './entry.ts';
import type { CasOptions, ConditionOptions, ReadOptions, UpdateOptions } from './options.ts';
import type { Resolver } from './resolve.ts';
import type { Change } from './update.ts';

/** A bucket whose siblings the caller sees. */
export class Bucket<T> extends ConditionalBucket<T> {
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
    return this.changed(key, options, async (entry) => change(valuesOf(entry), entry));
  }

  /**
   * Compare-and-set: writes the value if the key still holds what `if` says, and nothing else has come to it meanwhile. Atomic
   * among all conditional writes. A lost race is an answer, with what the key holds instead; what throws is a fault, with an
   * `outcome` that says whether the write may have been applied.
   */
  async cas(key: string, value: T, options: CasOptions & ConditionOptions): Promise<CasResult<Entry<T>>> {
    return this.swap(key, value, options);
  }

  /** Writes the value if the key holds nothing: {@link cas} with `if: 'absent'`. */
  async create(key: string, value: T, options: CasOptions = {}): Promise<CasResult<Entry<T>>> {
    return this.swap(key, value, { ...options, if: 'absent' });
  }

  /** Deletes what the key holds, if that is still what `if` says. */
  async deleteIf(key: string, options: CasOptions & ConditionOptions): Promise<DeleteIfResult<Entry<T>>> {
    return this.swapAway(key, options);
  }
}

/** A bucket whose siblings a resolver makes one value of: no read answers `conflict`. */
export class ResolvingBucket<T> extends ConditionalBucket<T> {
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
    return this.changed(key, options, async (read) => {
      const entry = resolved(read, this.#resolve);
      return change(entry.type === 'found' ? entry.value : undefined, entry);
    });
  }

  /**
   * Compare-and-set, as in a bucket without a resolver: `if` an answer of `get` was given, all the siblings that it was resolved
   * from have to be there still, and are settled by this write.
   */
  async cas(
    key: string,
    value: T,
    options: CasOptions & ConditionOptions,
  ): Promise<CasResult<ResolvedEntry<T>>> {
    return this.#resolved(await this.swap(key, value, options));
  }

  /** Writes the value if the key holds nothing: {@link cas} with `if: 'absent'`. */
  async create(key: string, value: T, options: CasOptions = {}): Promise<CasResult<ResolvedEntry<T>>> {
    return this.#resolved(await this.swap(key, value, { ...options, if: 'absent' }));
  }

  /** Deletes what the key holds, if that is still what `if` says. */
  async deleteIf(
    key: string,
    options: CasOptions & ConditionOptions,
  ): Promise<DeleteIfResult<ResolvedEntry<T>>> {
    return this.#resolved(await this.swapAway(key, options));
  }

  #resolved<Won extends { readonly ok: true }>(
    result: Won | LostRace<Entry<T>>,
  ): Won | LostRace<ResolvedEntry<T>> {
    return result.ok ? result : { ok: false, current: resolved(result.current, this.#resolve) };
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
