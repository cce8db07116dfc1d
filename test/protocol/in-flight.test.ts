/** Whoever waits for what is under way waits for all that began before, and for nothing that began after. */
import { describe, expect, it } from 'vitest';
import { InFlight } from '../../src/protocol/in-flight.ts';

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('what is in flight', () => {
  it('is settled at once if there is nothing', async () => {
    expect(await isSettled(new InFlight().settled())).toBe(true);
  });

  it('is settled when all that had begun has ended, whatever has begun since', async () => {
    const inFlight = new InFlight();
    const first = inFlight.enter();
    const second = inFlight.enter();
    const settled = inFlight.settled();
    const later = inFlight.enter();
    first();
    expect(await isSettled(settled)).toBe(false);
    second();
    expect(await isSettled(settled)).toBe(true);
    later();
  });

  it('is waited for by everybody who asks, each for what had begun when it asked', async () => {
    const inFlight = new InFlight();
    const first = inFlight.enter();
    const early = inFlight.settled();
    const second = inFlight.enter();
    const late = inFlight.settled();
    second();
    expect(await isSettled(late)).toBe(false);
    first();
    expect(await Promise.all([isSettled(early), isSettled(late)])).toEqual([true, true]);
  });

  it('counts an activity that ends twice once', async () => {
    const inFlight = new InFlight();
    const first = inFlight.enter();
    inFlight.enter();
    first();
    first();
    expect(await isSettled(inFlight.settled())).toBe(false);
  });

  it('counts a tracked activity until it has come to its end, good or bad', async () => {
    const inFlight = new InFlight();
    let fail: (error: Error) => void = () => {};
    const activity = inFlight.track(
      () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    );
    const settled = inFlight.settled();
    expect(await isSettled(settled)).toBe(false);
    fail(new Error('it failed'));
    await expect(activity).rejects.toThrow('it failed');
    expect(await isSettled(settled)).toBe(true);
  });
});
