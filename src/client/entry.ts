/**
 * What reads and writes answer.
 *
 * A key holds no value, one value, or several that were written concurrently (siblings). Only one value has a `.value`:
 * the compiler asks what shall happen with siblings. Each answer carries a `context`, the opaque token for "I have seen
 * this". The write that is given it supersedes exactly what was seen, and nothing that was written meanwhile.
 */
import type { WriteState } from '../api/bodies.ts';

/** What was really done to answer: how many copies there are, how many were needed, how many answered. */
export interface Quorum {
  /** Copies that the key has. */
  readonly n: number;
  /** R of a read, W of a write. */
  readonly required: number;
  /** Distinct nodes that had answered (read) or stored durably (write) by then. */
  readonly acks: number;
  /** Whether a stand-in for a home replica was counted. */
  readonly sloppy: boolean;
}

/** What every answer tells beside its content. */
export interface AnswerFacts {
  /** Undefined if the node did not say. */
  readonly quorum: Quorum | undefined;
  /** Id of the node that coordinated. */
  readonly coordinator: string | undefined;
}

/** The key holds one value (or, in a bucket with a resolver, several that were resolved to one). */
export interface Found<T> extends AnswerFacts {
  readonly type: 'found';
  readonly value: T;
  /** Give it to the write that follows from this read. */
  readonly context: string;
  readonly etag: string;
  readonly contentType: string;
  /** 1 if the value is stored just so; more if the bucket's resolver made it of that many siblings. */
  readonly resolvedFrom: number;
}

/** The key holds values that were written concurrently. There is no `.value`: resolve the siblings. */
export interface Conflict<T> extends AnswerFacts {
  readonly type: 'conflict';
  readonly siblings: Siblings<T>;
  /** Covers all the siblings: the write that is given it supersedes them. */
  readonly context: string;
  readonly etag: string;
}

/** The key holds nothing: it was never written, or was deleted. */
export interface Absent extends AnswerFacts {
  readonly type: 'absent';
  /** Set if the key was deleted: a write that is given it supersedes the deletion. */
  readonly context: string | undefined;
}

/** What a read answers in a bucket without a resolver. */
export type Entry<T> = Found<T> | Conflict<T> | Absent;

/** What a read answers in a bucket with a resolver. */
export type ResolvedEntry<T> = Found<T> | Absent;

/** One of several concurrently written values. */
export interface Sibling<T> {
  /** The event that wrote it; unique in the key. */
  readonly id: string;
  readonly value: T;
  readonly contentType: string;
  /** By the clock of the node that took the write. */
  readonly writtenAt: Date;
  readonly writeId?: string;
}

/** Siblings in a fixed order: equal sets come in equal order, through every node. Never empty. */
export type Siblings<T> = readonly [Sibling<T>, ...Sibling<T>[]];

/** A write that was stored durably on as many nodes as asked for. */
export interface Written extends AnswerFacts {
  readonly type: 'written';
  /** "I have seen what I had seen, and this write": give it to the next write of the same value. */
  readonly context: string;
  /** Whether no value was visible to the node that took the write. */
  readonly created: boolean;
  /** Live values that node sees now; more than 1 if somebody else wrote concurrently. */
  readonly siblings: number;
  /** Set if exactly this write is live. */
  readonly etag: string | undefined;
  readonly writeId: string;
}

/** A deletion that was stored durably on as many nodes as asked for, or had nothing to do. */
export interface Deleted extends AnswerFacts {
  readonly type: 'deleted';
  /** False only after `deleteBlind` of a key that held nothing: nothing was written. */
  readonly existed: boolean;
  readonly context: string | undefined;
  /** Live values the node sees now; more than 0 if somebody else wrote concurrently. */
  readonly siblings: number;
  readonly writeId: string;
}

/** A conditional write that won: the key holds exactly this value. */
export interface Swapped extends Written {
  readonly ok: true;
  /** The condition of the write that follows from this one. */
  readonly etag: string;
}

/** A conditional deletion that won: the key holds nothing. */
export interface SwappedAway extends Deleted {
  readonly ok: true;
}

/** A conditional write or deletion that lost the race: its condition did not hold, and nothing was written. */
export interface LostRace<Current> {
  readonly ok: false;
  /** What the key holds instead, as a majority of its home replicas has it; `absent` if that is nothing. */
  readonly current: Current;
}

/** What a conditional write came to. All else that may happen to it throws. */
export type CasResult<Current> = Swapped | LostRace<Current>;

/** What a conditional deletion came to. */
export type DeleteIfResult<Current> = SwappedAway | LostRace<Current>;

/**
 * What became of a write. `applied`: it is what the key holds. `superseded`: it was applied, and something came after it.
 * `never-applied`: it was not, and if it was a conditional one it never will be (a plain one that a majority does not know may
 * appear yet). `too-old`: the key has forgotten too many write ids since to know.
 */
export interface WriteOutcome {
  readonly state: WriteState;
  /** The ETag that the key had by that write, if it was applied and is known. */
  readonly etag: string | undefined;
  readonly writeId: string;
}

/** The function given to `update` returned undefined: nothing was written. */
export interface Unchanged {
  readonly type: 'unchanged';
}

/** What `update` came to; `written` has the new value beside. */
export type Updated<T> = (Written & { readonly value: T }) | Deleted | Unchanged;
