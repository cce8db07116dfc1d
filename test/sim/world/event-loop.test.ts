import { describe, expect, it } from 'vitest';
import { EventLoop, type Owner, SLICE_EVENTS } from './event-loop.ts';

const OWNER: Owner = { name: 'owner', alive: true, pausedUntilUs: 0 };
const FAR_US = 1_000_000;

function owner(): { name: string; alive: boolean; pausedUntilUs: number } {
  return { name: 'owner', alive: true, pausedUntilUs: 0 };
}

/** The order in which so many events of one time run. */
async function orderOfTies(seed: number): Promise<readonly number[]> {
  const loop = new EventLoop(seed);
  const order: number[] = [];
  for (let event = 0; event < 20; event += 1) loop.schedule(5, OWNER, 'tie', () => order.push(event));
  await loop.run(FAR_US);
  return order;
}

describe('virtual time', () => {
  it('goes from event to event, and to the end of the run', async () => {
    const loop = new EventLoop(1);
    const times: number[] = [];
    for (const delay of [30, 10, 20]) loop.schedule(delay, OWNER, 'event', () => times.push(loop.nowUs));
    await loop.run(25);
    expect(times).toEqual([10, 20]);
    expect(loop.nowUs).toBe(25);
    await loop.run(100);
    expect(times).toEqual([10, 20, 30]);
    expect([loop.nowUs, loop.executed]).toEqual([100, 3]);
  });

  it('lets events of one time run in an order that only the seed decides', async () => {
    const order = await orderOfTies(1);
    expect(order).not.toEqual(order.toSorted((left, right) => left - right));
    expect(await orderOfTies(1)).toEqual(order);
    expect(await orderOfTies(2)).not.toEqual(order);
  });

  it('ends when somebody says so', async () => {
    const loop = new EventLoop(1);
    let events = 0;
    for (let index = 0; index < 10; index += 1) loop.schedule(index, OWNER, 'event', () => (events += 1));
    await loop.run(FAR_US, () => events === 4);
    expect(events).toBe(4);
    expect(loop.nowUs).toBe(3);
  });

  it('goes on over more events than fit into one slice', async () => {
    const loop = new EventLoop(1);
    let left = 2 * SLICE_EVENTS + 1;
    const again = (): void => {
      left -= 1;
      if (left > 0) loop.schedule(1, OWNER, 'event', again);
    };
    again();
    await loop.run(FAR_US);
    expect([left, loop.executed]).toEqual([0, 2 * SLICE_EVENTS]);
  });

  it('lets everything else in the process go on between slices', async () => {
    const loop = new EventLoop(1);
    let stopped = false;
    const again = (): void => {
      if (!stopped) loop.schedule(1, OWNER, 'event', again);
    };
    loop.schedule(1, OWNER, 'event', again);
    setImmediate(() => {
      stopped = true;
    });
    await loop.run(Number.MAX_SAFE_INTEGER);
    expect(stopped).toBe(true);
  });
});

describe('an event', () => {
  it('has drained before the next one begins, however long its chain of promises and ticks is', async () => {
    const loop = new EventLoop(1);
    const done: string[] = [];
    const chain = async (links: number): Promise<void> => {
      for (let link = 0; link < links; link += 1) await Promise.resolve();
      process.nextTick(() => {
        queueMicrotask(() => process.nextTick(() => done.push('chain')));
      });
    };
    loop.schedule(1, OWNER, 'first', () => void chain(1_000));
    loop.schedule(2, OWNER, 'second', () => done.push('second'));
    await loop.run(FAR_US);
    expect(done).toEqual(['chain', 'second']);
  });

  it('does not run when it was cancelled, nor when its owner has died', async () => {
    const loop = new EventLoop(1);
    const ran: string[] = [];
    const mortal = owner();
    loop.schedule(1, OWNER, 'event', () => ran.push('cancelled')).cancelled = true;
    loop.schedule(1, mortal, 'event', () => ran.push('dead'));
    loop.schedule(2, OWNER, 'event', () => ran.push('lives'));
    mortal.alive = false;
    await loop.run(FAR_US);
    expect(ran).toEqual(['lives']);
  });

  it('waits while its owner is paused, and then runs in the order in which it was due', async () => {
    const loop = new EventLoop(7);
    const paused = { ...owner(), pausedUntilUs: 500 };
    const ran: string[] = [];
    for (let index = 0; index < 20; index += 1)
      loop.schedule(index, paused, 'event', () => ran.push(`${index} at ${loop.nowUs}`));
    const cancelled = loop.schedule(20, paused, 'event', () => ran.push('cancelled'));
    loop.schedule(100, OWNER, 'event', () => {
      cancelled.cancelled = true;
    });
    await loop.run(FAR_US);
    expect(ran).toEqual(Array.from({ length: 20 }, (_, index) => `${index} at 500`));
  });

  it('that throws ends the run with its error', async () => {
    const loop = new EventLoop(1);
    loop.schedule(1, OWNER, 'event', () => {
      throw new Error('broken');
    });
    await expect(loop.run(FAR_US)).rejects.toThrow('broken');
  });
});

describe('the trace hash', () => {
  async function hashOf(kinds: readonly string[], delay = 1): Promise<string> {
    const loop = new EventLoop(1);
    for (const kind of kinds) loop.schedule(delay, OWNER, kind, () => {});
    await loop.run(FAR_US);
    return loop.traceHash;
  }

  it('is equal for equal events, and differs with their kind, number and time', async () => {
    const hash = await hashOf(['a', 'b']);
    expect(await hashOf(['a', 'b'])).toBe(hash);
    expect(await hashOf(['a', 'c'])).not.toBe(hash);
    expect(await hashOf(['a', 'b', 'b'])).not.toBe(hash);
    expect(await hashOf(['a', 'b'], 2)).not.toBe(hash);
  });
});
