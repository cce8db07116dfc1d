/**
 * Records that may be reaped, as far as this node has come across them: when they were written, and when it counts its records
 * for the digest trees, at its start and every few hours. Kept in memory, and not more than a bound of them; what is left out
 * is come across again.
 */
import type { EntryName } from '../../core/ids.ts';
import { MAX_REAP_CANDIDATES } from '../../core/limits.ts';

interface Candidate {
  readonly entry: EntryName;
  /** By the monotonic clock, milliseconds: not to be tried before. */
  readonly dueMs: number;
}

export class ReapCandidates {
  /** In the order in which they were noted. */
  readonly #byName = new Map<string, Candidate>();

  get count(): number {
    return this.#byName.size;
  }

  /** What is known already keeps its time. */
  note(entry: EntryName, dueMs: number): void {
    const name = nameOf(entry);
    if (this.#byName.has(name) || this.#byName.size >= MAX_REAP_CANDIDATES) return;
    this.#byName.set(name, { entry: { bucket: entry.bucket, key: entry.key }, dueMs });
  }

  has(entry: EntryName): boolean {
    return this.#byName.has(nameOf(entry));
  }

  /** It is none any more: it was written, or has gone. */
  forget(entry: EntryName): void {
    this.#byName.delete(nameOf(entry));
  }

  /** It is tried again later, behind all others. */
  postpone(entry: EntryName, dueMs: number): void {
    this.forget(entry);
    this.note(entry, dueMs);
  }

  /** Some of those that are due. */
  due(nowMs: number, bounds: { readonly entries: number; readonly nameBytes: number }): readonly EntryName[] {
    const due: EntryName[] = [];
    let bytes = 0;
    for (const { entry, dueMs } of this.#byName.values()) {
      if (dueMs > nowMs) continue;
      bytes += Buffer.byteLength(entry.bucket) + Buffer.byteLength(entry.key);
      if (due.length >= bounds.entries || bytes > bounds.nameBytes) break;
      due.push(entry);
    }
    return due;
  }
}

function nameOf({ bucket, key }: EntryName): string {
  return `${bucket}\0${key}`;
}
