/**
 * The loop behind `update` with the consistency `linearizable`: read linearizably, change, write by compare-and-set.
 *
 * Who loses the race is told what is there instead, and goes on from that without another read. After an unknown outcome the loop
 * must not go on, or a change could be applied twice.
 */
import { isTransient } from './attempt-failure.ts';
import { pause } from './deadline.ts';
import type { CasResult, DeleteIfResult, Entry, Updated } from './entry.ts';
import { QuorateError } from './errors.ts';
import { changedInTime, DELETE, roundsOf } from './update.ts';
import type { Changed, LoopLimits } from './update.ts';

export interface CasUpdateSteps<T> extends LoopLimits {
  readonly read: () => Promise<Entry<T>>;
  readonly swap: (value: T, seen: Entry<T>) => Promise<CasResult<Entry<T>>>;
  readonly swapAway: (seen: Entry<T>) => Promise<DeleteIfResult<Entry<T>>>;
}

const DEFAULT_MAX_ROUNDS = 64;
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 200;

/** Runs the loop. What `change` throws passes through as it is. */
export async function casUpdateLoop<T>(
  steps: CasUpdateSteps<T>,
  change: (entry: Entry<T>) => Promise<Changed<T>>,
): Promise<Updated<T>> {
  const maxRounds = roundsOf(steps, DEFAULT_MAX_ROUNDS);
  let entry: Entry<T> | undefined;
  for (let round = 1; ; round += 1) {
    const seen = entry ?? (await steps.read());
    const next = await changedInTime(steps, async () => change(seen));
    const swapped = await swappedOrContended(steps, seen, next);
    if (swapped.type !== 'again') return swapped;
    entry = swapped.current;
    const { deadline, signal, what } = steps;
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (round - 1)) * Math.random();
    if (round >= maxRounds || pauseMs >= deadline.remainingMs()) throw tooContended(what, round, swapped);
    if (await pause(pauseMs, signal)) {
      throw new QuorateError(`${what}: the caller gave up; nothing was written`, { code: 'aborted' });
    }
  }
}

/** `current`: what somebody else has written; undefined: it has to be read. `cause`: what else went wrong. */
interface Again<T> {
  readonly type: 'again';
  readonly current: Entry<T> | undefined;
  readonly cause: QuorateError | undefined;
}

async function swappedOrContended<T>(
  { swap, swapAway }: CasUpdateSteps<T>,
  seen: Entry<T>,
  next: Changed<T>,
): Promise<Updated<T> | Again<T>> {
  if (next === undefined || (next === DELETE && seen.type === 'absent')) return { type: 'unchanged' };
  try {
    const result = next === DELETE ? await swapAway(seen) : await swap(next, seen);
    if (!result.ok) return { type: 'again', current: result.current, cause: undefined };
    const { ok: _, ...done } = result;
    return done.type === 'deleted' ? done : { ...done, value: next as T };
  } catch (thrown) {
    if (!mayGoRound(thrown)) throw thrown;
    return { type: 'again', current: undefined, cause: thrown };
  }
}

function mayGoRound(thrown: unknown): thrown is QuorateError {
  if (!(thrown instanceof QuorateError) || thrown.outcome !== 'not-applied') return false;
  return isTransient(thrown.code) || thrown.code === 'cas-contention';
}

function tooContended<T>(what: string, rounds: number, { cause }: Again<T>): QuorateError {
  if (cause !== undefined) return cause;
  return new QuorateError(`${what}: somebody else was faster ${rounds} times; it was not applied`, {
    code: 'cas-contention',
    hint: 'Too many writers change this key at once. A longer timeoutMs or more maxRounds may help.',
  });
}
