/**
 * The loop behind `update`: read, change, write with the context of the read.
 *
 * It goes round again only after a write that surely was not applied, for a reason that may pass: then the value is read
 * anew and changed anew. After an unknown outcome it must not, or a change could be applied twice. A write that
 * succeeded beside a concurrent one ends the loop too: both are kept, as siblings, and changing the two together once
 * more would apply this change twice.
 */
import { isTransient } from './attempt-failure.ts';
import { limited, pause } from './deadline.ts';
import type { Deadline } from './deadline.ts';
import type { Deleted, Entry, Updated, Written } from './entry.ts';
import { QuorateError } from './errors.ts';
import { invalidArgument } from './options.ts';

/** What the function given to `update` returns to delete the key. */
export const DELETE: unique symbol = Symbol.for('quorate.delete');

/** What the function given to `update` may return: a new value, {@link DELETE}, or undefined for no change. */
export type Change<T> = T | typeof DELETE | undefined | Promise<T | typeof DELETE | undefined>;

/** What bounds a loop. */
export interface LoopLimits {
  readonly what: string;
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  readonly maxRounds: number | undefined;
}

export interface UpdateSteps<T> extends LoopLimits {
  readonly read: () => Promise<Entry<T>>;
  readonly put: (value: T, context: string | undefined) => Promise<Written>;
  readonly delete: (context: string | undefined) => Promise<Deleted>;
}

/** What it has come to. */
export type Changed<T> = T | typeof DELETE | undefined;

const DEFAULT_MAX_ROUNDS = 3;
const ROUND_DELAY_MS = 50;

/** Runs the loop. What `change` throws passes through as it is. */
export async function updateLoop<T>(
  steps: UpdateSteps<T>,
  change: (entry: Entry<T>) => Promise<Changed<T>>,
): Promise<Updated<T>> {
  const maxRounds = roundsOf(steps, DEFAULT_MAX_ROUNDS);
  for (let round = 1; ; round += 1) {
    const entry = await steps.read();
    const next = await changedInTime(steps, async () => change(entry));
    if (next === undefined) return { type: 'unchanged' };
    try {
      if (next === DELETE) return await steps.delete(entry.context);
      return { ...(await steps.put(next, entry.context)), value: next };
    } catch (thrown) {
      const delayMs = ROUND_DELAY_MS * round * (0.5 + Math.random() / 2);
      if (round >= maxRounds || delayMs >= steps.deadline.remainingMs() || !mayGoRound(thrown)) throw thrown;
      if (await pause(delayMs, steps.signal)) throw thrown;
    }
  }
}

/** How often a loop may go round. Throws `invalid-argument`. */
export function roundsOf({ maxRounds }: LoopLimits, otherwise: number): number {
  if (maxRounds === undefined) return otherwise;
  if (Number.isInteger(maxRounds) && maxRounds >= 1) return maxRounds;
  throw invalidArgument(`maxRounds is ${String(maxRounds)}`, 'It is a whole number from 1.');
}

/** The caller's own function may wait for something too; the deadline holds all the same. */
export async function changedInTime<T>(
  { what, deadline, signal }: LoopLimits,
  change: () => Promise<Changed<T>>,
): Promise<Changed<T>> {
  const changed = await limited(change, deadline.remainingMs(), signal);
  if ('value' in changed) return changed.value;
  if (changed.interrupted === 'aborted') {
    throw new QuorateError(`${what}: the caller gave up; nothing was written`, {
      code: 'aborted',
      cause: signal?.reason,
    });
  }
  throw new QuorateError(`${what}: the deadline of ${deadline.timeoutMs} ms passed; nothing was written`, {
    code: 'timeout',
    hint: 'The function given to update took too long; a longer timeoutMs may help.',
  });
}

/** A record at its bound takes the write that resolves its siblings, so reading them first helps there too. */
function mayGoRound(thrown: unknown): boolean {
  if (!(thrown instanceof QuorateError) || thrown.outcome !== 'not-applied') return false;
  return isTransient(thrown.code) || thrown.code === 'sibling-limit';
}
