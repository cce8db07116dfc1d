/**
 * The loop behind `update`: read, change, write with the context of the read.
 *
 * It goes round again only after a write that surely was not applied, for a reason that may pass: then the value is read
 * anew and changed anew. After an unknown outcome it must not, or a change could be applied twice. A write that
 * succeeded beside a concurrent one ends the loop too: both are kept, as siblings.
 */
import { isTransient } from './attempt-failure.ts';
import { deadlinePassed, pause } from './deadline.ts';
import type { Deadline } from './deadline.ts';
import type { Deleted, Entry, Updated, Written } from './entry.ts';
import { QuorateError } from './errors.ts';
import { invalidArgument } from './options.ts';

/** What the function given to `update` returns to delete the key. */
export const DELETE: unique symbol = Symbol.for('quorate.delete');

/** What the function given to `update` may return: a new value, {@link DELETE}, or undefined for no change. */
export type Change<T> = T | typeof DELETE | undefined | Promise<T | typeof DELETE | undefined>;

export interface UpdateSteps<T> {
  readonly what: string;
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  readonly maxRounds: number | undefined;
  readonly read: () => Promise<Entry<T>>;
  readonly put: (value: T, context: string | undefined) => Promise<Written>;
  readonly delete: (context: string | undefined) => Promise<Deleted>;
}

const DEFAULT_MAX_ROUNDS = 3;
const ROUND_DELAY_MS = 50;

/** Runs the loop. What `change` throws passes through as it is. */
export async function updateLoop<T>(
  steps: UpdateSteps<T>,
  change: (entry: Entry<T>) => Promise<T | typeof DELETE | undefined>,
): Promise<Updated<T>> {
  const maxRounds = steps.maxRounds ?? DEFAULT_MAX_ROUNDS;
  if (!Number.isInteger(maxRounds) || maxRounds < 1) {
    throw invalidArgument(`maxRounds is ${String(maxRounds)}`, 'It is a whole number from 1.');
  }
  for (let round = 1; ; round += 1) {
    const entry = await steps.read();
    const next = await change(entry);
    if (next === undefined) return { type: 'unchanged' };
    if (steps.deadline.remainingMs() === 0) throw deadlinePassed(steps.what, steps.deadline.timeoutMs);
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

function mayGoRound(thrown: unknown): boolean {
  return thrown instanceof QuorateError && thrown.outcome === 'not-applied' && isTransient(thrown.code);
}
