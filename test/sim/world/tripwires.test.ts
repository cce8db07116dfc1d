import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { DeterminismGuard } from './determinism-guard.ts';
import { EventLoop } from './event-loop.ts';
import { disarmTripwires } from './tripwires.ts';

const OWNER = { name: 'owner', alive: true, pausedUntilUs: 0 };

// Taken before any guard, as a library might do.
const earlySetTimeout = setTimeout;

afterEach(() => {
  disarmTripwires();
});

/** Runs something as simulated code. */
async function simulate(act: () => unknown): Promise<void> {
  const loop = new EventLoop(1);
  loop.guard = new DeterminismGuard();
  loop.schedule(1, OWNER, 'event', act);
  await loop.run(10);
}

const ESCAPES: readonly (readonly [name: string, act: () => unknown])[] = [
  ['Date.now', () => Date.now()],
  ['new Date()', () => new Date()],
  ['performance.now', () => performance.now()],
  ['process.hrtime.bigint', () => process.hrtime.bigint()],
  ['Math.random', () => Math.random()],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(1))],
  ['crypto.subtle.digest', () => crypto.subtle.digest('SHA-256', new Uint8Array(1))],
  ['randomBytes of node:crypto', () => randomBytes(1)],
  ['setTimeout', () => setTimeout(() => {}, 1)],
  ['setImmediate', () => setImmediate(() => {})],
  ['setTimeout of node:timers/promises', () => sleep(1)],
  ['AbortSignal.timeout', () => AbortSignal.timeout(1)],
  ['readFileSync of node:fs', () => readFileSync('package.json')],
  ['String.prototype.localeCompare', () => 'a'.localeCompare('b')],
  ['new WeakRef', () => new WeakRef({})],
  ['new MessageChannel', () => new MessageChannel()],
];

describe('simulated code', () => {
  it.each(ESCAPES)('cannot use %s', async (name, act) => {
    await expect(simulate(act)).rejects.toThrow(`simulated code used ${name}`);
  });

  it('is found out when it catches what it gets, and when it asks later', async () => {
    const later = async (): Promise<void> => {
      await Promise.resolve();
      try {
        Date.now();
      } catch {
        // As if the time did not matter.
      }
    };
    await expect(simulate(() => void later())).rejects.toThrow('Date.now');
  });

  it('leaves no timer behind that it made with a function from before', async () => {
    let timer: NodeJS.Timeout | undefined;
    const run = simulate(() => {
      timer = earlySetTimeout(() => {}, 1);
    });
    await expect(run).rejects.toThrow('1 Timeout open');
    clearTimeout(timer);
  });

  it('may use what is a function of its input, and the rest of the process what it likes', async () => {
    const seen: unknown[] = [];
    await simulate(() => {
      seen.push(new Date(5).getTime(), new Date(5) instanceof Date, structuredClone({ a: 1 }));
      queueMicrotask(() => seen.push('microtask'));
    });
    expect(seen).toEqual([5, true, { a: 1 }, 'microtask']);
    expect(Date.now()).toBeGreaterThan(1_000_000_000_000);
    expect(new Date().getTime()).toBeGreaterThan(1_000_000_000_000);
    await sleep(1);
    expect(randomBytes(2)).toHaveLength(2);
  });
});
