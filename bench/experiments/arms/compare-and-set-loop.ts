/**
 * The compare-and-set loop that users write themselves: read as cheaply as possible, swap, and go on from what the refusal shows.
 * A stale read costs a refusal, and nothing else. The pauses are those of the client's own loop, so that arms compare.
 */
import type { Bucket } from '../../../src/client/bucket.ts';
import type { Entry } from '../../../src/client/entry.ts';
import { QuorateError } from '../../../src/client/errors.ts';

const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 200;
/** Refusals for which nothing is known of the key: it is read again. */
const READ_AGAIN = new Set<string>(['cas-contention', 'quorum-unavailable', 'overloaded']);

/** Swaps until it wins, or the time is over: then it rejects with `cas-contention`, and nothing was written. */
export async function compareAndSetLoop<Value>(
  bucket: Pick<Bucket<Value>, 'get' | 'cas'>,
  key: string,
  timeoutMs: number,
  change: (entry: Entry<Value>, by: 'plain' | 'linearizable') => Value,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  const left = (): number => Math.max(1, endMs - performance.now());
  let shown: Entry<Value> | undefined;
  for (let round = 1; ; round += 1) {
    const by = shown === undefined ? 'plain' : 'linearizable';
    const entry: Entry<Value> = shown ?? (await bucket.get(key, { consistency: 'one', timeoutMs: left() }));
    shown = undefined;
    try {
      const swapped = await bucket.cas(key, change(entry, by), { if: entry, timeoutMs: left() });
      if (swapped.ok) return;
      shown = swapped.current;
    } catch (error) {
      if (!isRefused(error) || performance.now() >= endMs) throw error;
    }
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (round - 1)) * Math.random();
    if (performance.now() + pauseMs >= endMs) {
      throw new QuorateError(`${key}: others were faster ${round} times`, { code: 'cas-contention' });
    }
    await new Promise((resume) => setTimeout(resume, pauseMs));
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof QuorateError && error.outcome === 'not-applied' && READ_AGAIN.has(error.code);
}
