/**
 * What clients of real processes did and were told, in the order in which it happened, as plain facts. Who had seen what is
 * found out afterwards (run-judgement.ts): while the run goes on, a tombstone may be shown whose deletion was not answered
 * yet, and only its answer tells which dot it has.
 */
import { decodeContextToken } from '../../src/codec/context-token.ts';
import type { CausalContext } from '../../src/core/causality/causal-context.ts';
import type { Violation, WriteOutcome } from '../sim/checkers/history.ts';

/** What whoever holds a token has really seen. */
export interface Sight {
  /** Undefined: the key was never written, so there is nothing to give to the next write. */
  readonly token: string | undefined;
  /** When it was seen, in the sequence of calls and returns. */
  readonly at: number;
  /** Writes whose values were shown, or that are the holder's own. */
  readonly events: readonly number[];
  /** Dots of the tombstones that were shown. */
  readonly tombstones: readonly string[];
  /** The key shows as deleted: there are tombstones and no value, and an answer does not list them. */
  readonly isDeleted: boolean;
}

export interface RecordedWrite {
  /** The identity of the event; its value says so. */
  readonly id: number;
  readonly key: string;
  readonly type: 'put' | 'delete';
  /** What its context stands for; undefined for a write without one. */
  readonly seen: Sight | undefined;
  readonly n: number;
  readonly w: number;
  /** Bytes of filler in its value. */
  readonly bytes: number;
  readonly calledAt: number;
  /** How often it may have reached a node under its write id; 0 if it has none. */
  attemptsById: number;
  returnedAt: number | undefined;
  outcome: WriteOutcome;
  /** Whether its acknowledgement counted a fallback. */
  isSloppy: boolean;
}

export interface RecordedRead {
  readonly id: number;
  readonly key: string;
  readonly n: number;
  readonly r: number;
  readonly calledAt: number;
  /** Whether its answer counted a fallback. */
  readonly isSloppy: boolean;
  readonly sight: Sight;
}

/** A disk that lost something, in the sequence of calls and returns. */
export interface DiskLoss {
  readonly lostAt: number;
  /** Whether its node counts for nothing in reads from its start on; else it may take part until a peer says what it knows. */
  readonly isNoticedAtOnce: boolean;
  healedAt: number | undefined;
}

export class RecordedRun {
  readonly bucket: string;
  readonly writes = new Map<number, RecordedWrite>();
  readonly reads: RecordedRead[] = [];
  /** What needs no knowledge of the whole run to be wrong. */
  readonly violations: Violation[] = [];
  /** Reads that no node answered well. */
  failedReads = 0;
  readonly losses: DiskLoss[] = [];
  readonly #dots = new Map<string, number>();
  #order = 0;
  #ids = 0;

  constructor(bucket: string) {
    this.bucket = bucket;
  }

  /** The next place in the sequence of calls and returns. */
  next(): number {
    this.#order += 1;
    return this.#order;
  }

  /** An identity for a write or a read. */
  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** Notes a write when it is called; its outcome is unknown until it is settled. */
  begin(write: Pick<RecordedWrite, 'key' | 'type' | 'seen' | 'n' | 'w' | 'bytes'>): RecordedWrite {
    const begun: RecordedWrite = {
      id: this.nextId(),
      ...write,
      calledAt: this.next(),
      attemptsById: 0,
      returnedAt: undefined,
      outcome: 'unknown',
      isSloppy: false,
    };
    this.writes.set(begun.id, begun);
    return begun;
  }

  /** Notes how a write ended. */
  settle(write: RecordedWrite, outcome: WriteOutcome): void {
    write.outcome = outcome;
    write.returnedAt = this.next();
  }

  /** Notes that a disk has lost something, just now. */
  diskLost(isNoticedAtOnce: boolean): DiskLoss {
    const loss: DiskLoss = { lostAt: this.next(), isNoticedAtOnce, healedAt: undefined };
    this.losses.push(loss);
    return loss;
  }

  /** Notes that whatever was lost is there again: all home replicas of each key have been equal since. */
  disksHealed(): void {
    for (const loss of this.losses) loss.healedAt ??= this.next();
  }

  /** Notes which write a dot of a key names; one dot never names two. */
  learnDot(key: string, dot: string, event: number): void {
    const known = this.writeOfDot(key, dot);
    if (known !== undefined && known !== event) {
      const detail = `${key} ${dot} names write ${known} and write ${event}`;
      this.violations.push({ invariant: 'dot-collision', detail });
    }
    this.#dots.set(`${key} ${dot}`, event);
  }

  /** Undefined if no answer told. */
  writeOfDot(key: string, dot: string): number | undefined {
    return this.#dots.get(`${key} ${dot}`);
  }

  /** Dots that a token of a key covers. */
  dotsIn(key: string, token: string): readonly string[] {
    const decoded = decodeContextToken({ bucket: this.bucket, key }, token);
    if (decoded.type === 'invalid') throw new Error(`a node gave a token that is none: ${decoded.reason}`);
    return [...dotsOf(decoded.context)];
  }

  /** How many writes have ended so. */
  count(outcome: WriteOutcome): number {
    return [...this.writes.values()].filter(
      (write) => write.outcome === outcome && write.returnedAt !== undefined,
    ).length;
  }

  /** All keys that were written to. */
  keys(): ReadonlySet<string> {
    return new Set([...this.writes.values()].map(({ key }) => key));
  }

  /** In words, for the record. */
  get summary(): string {
    const outcomes = `${this.count('ok')} acknowledged, ${this.count('unknown')} unknown, ${this.count('not-applied')} not applied`;
    return `${this.writes.size} writes (${outcomes}), ${this.reads.length} reads, ${this.keys().size} keys`;
  }
}

/** The value of a write: its id, then filler. */
export function valueOf({ id, bytes }: Pick<RecordedWrite, 'id' | 'bytes'>): string {
  return `${id}:${'x'.repeat(bytes)}`;
}

/** The write that a value says it is of. */
export function eventIn(value: string): number {
  return Number(value.slice(0, value.indexOf(':')));
}

/** As formatDot has them. */
function* dotsOf({ vector, cloud }: CausalContext): Generator<string> {
  for (const [actor, upTo] of vector) {
    for (let counter = 1; counter <= upTo; counter += 1) yield `${actor}.${counter}`;
  }
  for (const [actor, ranges] of cloud) {
    for (let index = 0; index < ranges.length; index += 2) {
      const [first, last] = [ranges[index] as number, ranges[index + 1] as number];
      for (let counter = first; counter <= last; counter += 1) yield `${actor}.${counter}`;
    }
  }
}
