/**
 * Judges a recorded run by the knowledge oracle of the simulation: each acknowledged write is still there or was superseded by
 * somebody who had seen it, and so on (sim/checkers/knowledge.ts).
 *
 * From outside, who had seen what is known up to deletions: a tombstone shows its dot only, and of a deletion whose answer was
 * lost nobody learnt the dot. So there are two readings of a run. In the one a client has seen what it has surely seen: two
 * values side by side are false siblings only if one's client surely had seen the other. In the other it has also seen the
 * deletions that it may have seen: a write is lost only if not even those account for it.
 *
 * Where disks were lost on purpose, one at a time, what W=2 stored is demanded all the same; what W=1 stored before is not. A
 * disk that was rolled back is noticed when its node meets those who know: until all is healed, a read may miss something.
 */
import { checkCoversOnlySeen } from '../sim/checkers/contexts.ts';
import type { EventSet } from '../sim/checkers/closure.ts';
import { History, type ReadEvent, type Violation } from '../sim/checkers/history.ts';
import {
  checkNoFalseSiblings,
  checkNoInvention,
  checkNotApplied,
  checkNothingLost,
  checkReadSeesAcknowledged,
  coveredBy,
} from '../sim/checkers/knowledge.ts';
import type { RecordedRead, RecordedRun, RecordedWrite, Sight } from './recorded-run.ts';

/** All that is wrong with a run; `finals` is what each of its keys shows at the end. */
export function judgeRun(run: RecordedRun, finals: ReadonlyMap<string, Sight>): readonly Violation[] {
  const violations = [...run.violations];
  for (const key of run.keys()) {
    const writes = [...run.writes.values()].filter((write) => write.key === key);
    const reads = run.reads.filter((read) => read.key === key);
    violations.push(...new KeyJudgement(run, key, writes).judge(reads, finals.get(key)));
  }
  return violations;
}

type Reading = 'surely' | 'perhaps';

class KeyJudgement {
  readonly #run: RecordedRun;
  readonly #key: string;
  readonly #writes: readonly RecordedWrite[];
  readonly #histories: Readonly<Record<Reading, History>> = { surely: new History(), perhaps: new History() };

  constructor(run: RecordedRun, key: string, writes: readonly RecordedWrite[]) {
    this.#run = run;
    this.#key = key;
    this.#writes = writes.toSorted((left, right) => left.calledAt - right.calledAt);
    // A client has seen only writes that were called before, so theirs is known already.
    for (const write of this.#writes) {
      this.#enter(write, 'surely');
      this.#enter(write, 'perhaps');
    }
  }

  judge(reads: readonly RecordedRead[], final: Sight | undefined): readonly Violation[] {
    const { perhaps } = this.#histories;
    const violations = reads.flatMap((read) => this.#judgeRead(read));
    violations.push(...checkNotApplied(perhaps, new Set(reads.flatMap(({ sight }) => sight.events))));
    if (final === undefined) return violations;
    const settled = { id: 0, key: this.#key, shown: this.#shown(final, 'surely') };
    violations.push(...checkNoFalseSiblings(this.#histories.surely, settled, !this.#mayHaveLostIds()));
    violations.push(...checkNothingLost(perhaps, new Map([[this.#key, this.#shown(final, 'perhaps')]])));
    return violations;
  }

  #judgeRead({ id, key, n, r, calledAt, isSloppy, sight }: RecordedRead): readonly Violation[] {
    const { surely, perhaps } = this.#histories;
    const read: Omit<ReadEvent, 'shown'> = { id, key, n, r, isSloppy, calledAt, returnedAt: sight.at };
    const perhapsShown = this.#shown(sight, 'perhaps');
    return [
      ...checkNoInvention(surely, { ...read, shown: sight.events }),
      ...checkNoFalseSiblings(surely, { id, key, shown: this.#shown(sight, 'surely') }, false),
      ...(this.#mayReadStale(read)
        ? []
        : checkReadSeesAcknowledged(perhaps, { ...read, shown: perhapsShown })),
      ...this.#checkToken(id, sight, coveredBy(perhaps, key, perhapsShown)),
    ];
  }

  /** A token covers no write that its holder has not seen. */
  #checkToken(readId: number, { token }: Sight, seen: EventSet): readonly Violation[] {
    if (token === undefined) return [];
    const events = this.#eventsIn(token).filter((event) => event !== undefined);
    const what = `the answer to read ${readId}`;
    return checkCoversOnlySeen({ key: this.#key, what, events: new Set(events), unheard: [] }, seen);
  }

  /** Writes that a token covers; undefined for a dot of which no answer told what it names. */
  #eventsIn(token: string): readonly (number | undefined)[] {
    return this.#run.dotsIn(this.#key, token).map((dot) => this.#run.writeOfDot(this.#key, dot));
  }

  #enter(write: RecordedWrite, reading: Reading): void {
    const { id, key, type, n, w, seen, calledAt, attemptsById, returnedAt, outcome, isSloppy } = write;
    const known = new Set(seen === undefined ? [] : this.#shown(seen, reading));
    this.#histories[reading].add({
      ...{ id, key, type, known, isBlindDelete: false, n, w },
      ...{ calledAt, attemptsById, returnedAt, isSloppy },
      outcome: this.#mayBeLost(write) ? 'unknown' : outcome,
    });
  }

  /** One copy was enough for it, and later a disk lost something: that copy, perhaps. */
  #mayBeLost({ w, calledAt, outcome }: RecordedWrite): boolean {
    return outcome === 'ok' && w === 1 && this.#run.losses.some(({ lostAt }) => calledAt < lostAt);
  }

  /** The disk that was lost may have been the only one that knew under which id a write was sent, which then has two dots for good. */
  #mayHaveLostIds(): boolean {
    return this.#writes.some(
      ({ attemptsById, calledAt }) =>
        attemptsById > 1 && this.#run.losses.some(({ lostAt }) => calledAt < lostAt),
    );
  }

  /**
   * Beside a node that lost something and does not know it yet, and another that is behind. One with an empty disk knows it from
   * the first peer that it meets: until then it may answer by itself, as R=1 allows.
   */
  #mayReadStale({ r, calledAt, returnedAt }: Omit<ReadEvent, 'shown'>): boolean {
    return this.#run.losses.some(
      ({ isNoticedAtOnce, lostAt, healedAt }) =>
        (!isNoticedAtOnce || r === 1) &&
        returnedAt > lostAt &&
        calledAt < (healedAt ?? Number.POSITIVE_INFINITY),
    );
  }

  /** Writes that whoever sees this has seen. Those account for what their own clients had seen. */
  #shown(sight: Sight, reading: Reading): readonly number[] {
    const tombstones = sight.tombstones.map((dot) => this.#run.writeOfDot(this.#key, dot));
    const shown = [...sight.events, ...tombstones.filter((event) => event !== undefined)];
    let areAllKnown = !tombstones.includes(undefined);
    if (sight.isDeleted) {
      const events = sight.token === undefined ? [] : this.#eventsIn(sight.token);
      shown.push(...this.#lastDeletions(events, reading));
      areAllKnown = !events.includes(undefined);
    }
    if (!areAllKnown && reading === 'perhaps') shown.push(...this.#doubtfulDeletions(sight.at));
    return [...new Set(shown)];
  }

  /** Deletions among these that no other of them had seen: of a deleted key that is what can be there. */
  #lastDeletions(events: readonly (number | undefined)[], reading: Reading): readonly number[] {
    const history = this.#histories[reading];
    const deletions = events
      .filter((event) => event !== undefined)
      .filter((event) => history.write(event)?.type === 'delete');
    const seen = deletions.map((event) => coveredBy(history, this.#key, history.write(event)?.known ?? []));
    return deletions.filter((event) => !seen.some((earlier) => earlier.has(event)));
  }

  /** Deletions that may have a dot which no answer told. */
  #doubtfulDeletions(before: number): readonly number[] {
    return this.#writes
      .filter(({ type, calledAt }) => type === 'delete' && calledAt < before)
      .filter(({ outcome, attemptsById }) => outcome === 'unknown' || attemptsById > 1)
      .map(({ id }) => id);
  }
}
