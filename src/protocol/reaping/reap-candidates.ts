/**
 * Records that may be reaped, as far as this node has come across them: when they were written, and when it counts its records
 * for the digest trees, at its start and every few hours. Kept in memory, and not more than a bound of them; what is left out
 * is come across again.
 */
import { sameBytes } from '../../codec/record-codec.ts';
import { type EntryName, nameOf } from '../../core/ids.ts';
import { MAX_REAP_CANDIDATES } from '../../core/limits.ts';
import type { ReapEntry } from '../../core/message.ts';

interface Candidate {
  readonly entry: ReapEntry;
  /** By the monotonic clock, milliseconds: not to be tried before. */
  readonly dueMs: number;
  /** Whether some member has said that a Paxos round has reached the key. */
  readonly isVotedOn: boolean;
}

export class ReapCandidates {
  /** In the order in which they were noted. */
  readonly #byName = new Map<string, Candidate>();

  get count(): number {
    return this.#byName.size;
  }

  /**
   * A record that is known already keeps its time; another one of the same key has its own. `isFarOff`: it is come across again
   * before its time. Such ones take half of the room only, so that there is some for those that are due.
   */
  note({ bucket, key, digest }: ReapEntry, dueMs: number, isFarOff = false): void {
    const name = nameOf({ bucket, key });
    const known = this.#byName.get(name);
    if (known !== undefined && sameBytes(known.entry.digest, digest)) return;
    this.#byName.delete(name);
    if (this.#byName.size >= (isFarOff ? MAX_REAP_CANDIDATES / 2 : MAX_REAP_CANDIDATES)) return;
    // A copy, for a view of it would keep the whole record.
    this.#byName.set(name, { entry: { bucket, key, digest: digest.slice() }, dueMs, isVotedOn: false });
  }

  /** Whether just this record is one. */
  has(entry: ReapEntry): boolean {
    const known = this.#byName.get(nameOf(entry));
    return known !== undefined && sameBytes(known.entry.digest, entry.digest);
  }

  /** Some member keeps something of its key as an acceptor. */
  noteVotedOn(entry: ReapEntry): void {
    const name = nameOf(entry);
    const known = this.#byName.get(name);
    if (known !== undefined) this.#byName.set(name, { ...known, isVotedOn: true });
  }

  isVotedOn(entry: ReapEntry): boolean {
    return this.#byName.get(nameOf(entry))?.isVotedOn ?? false;
  }

  /** It is none any more: it was written, or has gone. */
  forget(entry: EntryName): void {
    this.#byName.delete(nameOf(entry));
  }

  /** It is tried again later, behind all others; not if another record has taken its place, which has its own time. */
  postpone(entry: ReapEntry, dueMs: number): void {
    if (!this.has(entry)) return;
    const isVotedOn = this.isVotedOn(entry);
    this.forget(entry);
    this.note(entry, dueMs);
    if (isVotedOn) this.noteVotedOn(entry);
  }

  /** Some of those that are due. */
  due(nowMs: number, bounds: { readonly entries: number; readonly nameBytes: number }): readonly ReapEntry[] {
    const due: ReapEntry[] = [];
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
