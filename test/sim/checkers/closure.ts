/**
 * What events of one key account for, as bits: themselves, what their clients had seen, what the clients of those had seen, and
 * so on. A row of bits for each write is made once, so a question about a read of hundreds of ancestors is answered by a few
 * unions of words.
 *
 * Only DELETEs without a context are left out of the rows: what they may have seen grows until they end.
 */
import type { WriteEvent } from './history.ts';

/** Events, as far as one asks whether they are among them. */
export interface EventSet {
  has(event: number): boolean;
}

export class KeyClosure {
  readonly #writes: WriteEvent[] = [];
  readonly #indexes = new Map<number, number>();
  readonly #rows: (Uint32Array | undefined)[] = [];
  readonly #blindDeletes: number[] = [];

  get writes(): readonly WriteEvent[] {
    return this.#writes;
  }

  add(write: WriteEvent): void {
    const index = this.#writes.push(write) - 1;
    this.#indexes.set(write.id, index);
    if (write.isBlindDelete) this.#blindDeletes.push(index);
  }

  /** Whether the client of `later` had seen `earlier`. */
  hasSeen(later: number, earlier: number): boolean {
    const [laterIndex, earlierIndex] = [this.#indexes.get(later), this.#indexes.get(earlier)];
    if (laterIndex === undefined || earlierIndex === undefined || later === earlier) return false;
    return isIn(this.#row(laterIndex), earlierIndex);
  }

  /** Those pairs of the shown events in which the client of the first had seen the second. */
  supersededAmong(shown: readonly number[]): readonly (readonly [later: number, earlier: number])[] {
    const pairs: (readonly [number, number])[] = [];
    const indexes = shown.map((event) => this.#indexes.get(event));
    for (const [place, later] of indexes.entries()) {
      if (later === undefined) continue;
      const row = this.#row(later);
      for (const [otherPlace, earlier] of indexes.entries()) {
        if (earlier === undefined || earlier === later || !isIn(row, earlier)) continue;
        pairs.push([shown[place] as number, shown[otherPlace] as number]);
      }
    }
    return pairs;
  }

  /** All that the shown events account for. */
  coveredBy(shown: readonly number[]): EventSet {
    const covered = new Uint32Array((this.#writes.length + 31) >>> 5);
    for (const event of shown) {
      const index = this.#indexes.get(event);
      if (index !== undefined) unite(covered, this.#row(index));
    }
    this.#addWhatDeletesSaw(covered);
    return {
      has: (event) => {
        const index = this.#indexes.get(event);
        return index === undefined ? shown.includes(event) : isIn(covered, index);
      },
    };
  }

  /** A DELETE without a context may have found every write that was begun before it ended. */
  #addWhatDeletesSaw(covered: Uint32Array): void {
    const open = new Set(this.#blindDeletes);
    for (let before = -1; before !== open.size; ) {
      before = open.size;
      for (const index of open) {
        if (!isIn(covered, index)) continue;
        open.delete(index);
        this.#addBegunBefore(endOf(this.#writes[index] as WriteEvent), covered);
      }
    }
  }

  #addBegunBefore(end: number, covered: Uint32Array): void {
    for (const [index, { calledAt }] of this.#writes.entries()) {
      if (calledAt < end && !isIn(covered, index)) unite(covered, this.#row(index));
    }
  }

  /** Made when it is first asked for: then every write that it can name has been added. */
  #row(index: number): Uint32Array {
    const known = this.#rows[index];
    if (known !== undefined) return known;
    const row = new Uint32Array((this.#writes.length + 31) >>> 5);
    row[index >>> 5] = 1 << (index & 31);
    // Before the others: a history in which two writes had seen each other must not end in a loop.
    this.#rows[index] = row;
    for (const event of (this.#writes[index] as WriteEvent).known) {
      const seen = this.#indexes.get(event);
      if (seen !== undefined && !isIn(row, seen)) unite(row, this.#row(seen));
    }
    return row;
  }
}

/** It may still be applied if that is not known. */
function endOf({ outcome, returnedAt }: WriteEvent): number {
  return outcome === 'ok' && returnedAt !== undefined ? returnedAt : Number.POSITIVE_INFINITY;
}

function isIn(bits: Uint32Array, index: number): boolean {
  return ((bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
}

/** `other` is no longer than `bits`: it was made when there were no more writes. */
function unite(bits: Uint32Array, other: Uint32Array): void {
  const target = bits;
  for (let word = 0; word < other.length; word += 1)
    target[word] = (target[word] as number) | (other[word] as number);
}
