/** The end of a call: a point in time that all its attempts share. */

/** How long a node's own answer about its deadline may take to arrive, milliseconds. */
const GRACE_MS = 100;

/** Monotonic milliseconds. */
export function nowMs(): number {
  return performance.now();
}

export class Deadline {
  readonly timeoutMs: number;
  readonly #endMs: number;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
    this.#endMs = nowMs() + timeoutMs;
  }

  /** Milliseconds left; 0 if it has passed. */
  remainingMs(): number {
    return Math.max(0, this.#endMs - nowMs());
  }
}

/** How a limited wait ended early. */
export type Interruption = 'timeout' | 'aborted';

/**
 * Runs `work` for at most `budgetMs` and a short grace. Its signal fires when the time is over or `outer` fires, and the
 * answer comes then even if `work` does not heed its signal. What `work` throws is thrown.
 */
export async function limited<T>(
  work: (signal: AbortSignal) => Promise<T>,
  budgetMs: number,
  outer: AbortSignal | undefined,
): Promise<{ readonly value: T } | { readonly interrupted: Interruption }> {
  if (outer?.aborted === true) return { interrupted: 'aborted' };
  const controller = new AbortController();
  let interrupt: (reason: Interruption) => void = () => {};
  const interruption = new Promise<{ interrupted: Interruption }>((settle) => {
    interrupt = (interrupted) => settle({ interrupted });
  });
  const onAbort = (): void => interrupt('aborted');
  const timer = setTimeout(() => interrupt('timeout'), budgetMs + GRACE_MS);
  outer?.addEventListener('abort', onAbort, { once: true });
  try {
    const working = work(controller.signal).then((value) => ({ value }));
    const ended = await Promise.race([working, interruption]);
    // Only after the race is decided: the transport's own abort error must not be taken for a lost connection.
    if ('interrupted' in ended) controller.abort();
    return ended;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', onAbort);
  }
}

/** Waits, and ends early when the signal fires. Answers whether it did. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (ms <= 0) return signal?.aborted === true;
  return new Promise((settle) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      settle(signal?.aborted === true);
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
  });
}
