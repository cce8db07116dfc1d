import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import type { Network } from '../../../src/ports/network.ts';
import { frameOf, networkContract, RecordedEnd } from '../../contract/network-contract.ts';
import { EventLoop } from './event-loop.ts';
import { Life } from './life.ts';
import { pump } from './pump.ts';
import { Fabric, type NetworkOptions } from './sim-network.ts';

const LEFT = 'left' as NodeId;
const RIGHT = 'right' as NodeId;
const QUIET: NetworkOptions = {
  minDelayUs: 100,
  meanDelayUs: 300,
  slowChance: 0,
  lossChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
};

/** Two machines that know each other. */
class Pair {
  readonly loop: EventLoop;
  readonly fabric: Fabric;
  readonly leftLife = new Life(LEFT, () => {});
  readonly rightLife = new Life(RIGHT, () => {});
  readonly left: Network;
  readonly right: Network;

  constructor(seed: number, options: Partial<NetworkOptions> = {}) {
    this.loop = new EventLoop(seed);
    this.fabric = new Fabric(seed, this.loop, { ...QUIET, ...options });
    this.left = this.fabric.networkOf(LEFT, this.leftLife);
    this.right = this.fabric.networkOf(RIGHT, this.rightLife);
  }

  async connected(): Promise<{ readonly left: RecordedEnd; readonly right: RecordedEnd }> {
    const [left, right] = [new RecordedEnd(), new RecordedEnd()];
    await this.right.listen((connection) => {
      right.connection = connection;
      return right;
    });
    left.connection = this.left.connect(RIGHT, left);
    await this.runFor(100);
    if (left.opened === 0) throw new Error('no connection came about');
    return { left, right };
  }

  runFor(ms: number): Promise<void> {
    return this.loop.run(this.loop.nowUs + ms * 1_000);
  }
}

networkContract('the simulated network', () => {
  const pair = new Pair(1, { slowChance: 0.01 });
  const stop = pump(pair.loop);
  return Promise.resolve({
    left: pair.left,
    leftId: LEFT,
    right: pair.right,
    rightId: RIGHT,
    until: async (condition) => {
      while (!condition()) await new Promise((resolve) => setImmediate(resolve));
    },
    dispose: stop,
  });
});

function numbersOf(frames: readonly Uint8Array[]): readonly number[] {
  return frames.map((frame) => frame[0] as number);
}

describe('the simulated network', () => {
  it('holds what is sent over a cut link, and delivers it in order when that heals; the other way goes on', async () => {
    const pair = new Pair(1);
    const { left, right } = await pair.connected();
    pair.fabric.cut(LEFT, RIGHT);
    for (const number of [1, 2, 3]) left.connection?.send(frameOf(1, number));
    right.connection?.send(frameOf(1, 4));
    await pair.runFor(10_000);
    expect([numbersOf(right.frames), numbersOf(left.frames)]).toEqual([[], [4]]);
    pair.fabric.heal(LEFT, RIGHT);
    await pair.runFor(1_000);
    expect(numbersOf(right.frames)).toEqual([1, 2, 3]);
  });

  it('lets no connection come about over a link that is cut either way', async () => {
    for (const [from, to] of [[LEFT, RIGHT] as const, [RIGHT, LEFT] as const]) {
      const pair = new Pair(1);
      await pair.right.listen(() => new RecordedEnd());
      pair.fabric.cut(from, to);
      const end = new RecordedEnd();
      pair.left.connect(RIGHT, end);
      await pair.runFor(5_000);
      expect([end.opened, end.closes.length]).toEqual([0, 1]);
    }
  });

  it('tells both ends of a reset, each in its own time; what was under way may be lost', async () => {
    const delivered = new Set<number>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const pair = new Pair(seed);
      const { left, right } = await pair.connected();
      for (const number of [1, 2, 3]) left.connection?.send(frameOf(1, number));
      pair.fabric.reset(LEFT, RIGHT);
      await pair.runFor(30_000);
      expect([left.closes.length, right.closes.length]).toEqual([1, 1]);
      delivered.add(right.frames.length);
    }
    expect(delivered.size).toBeGreaterThan(1);
  });

  it('tells the peer of a process that died at once, of a machine that died when it is kept alive no more', async () => {
    for (const [quietly, ms] of [[false, 25_000] as const, [true, 60_000] as const]) {
      const pair = new Pair(1);
      const { left } = await pair.connected();
      pair.rightLife.end();
      pair.fabric.died(pair.rightLife, quietly);
      await pair.runFor(1_000);
      expect(left.closes).toHaveLength(quietly ? 0 : 1);
      await pair.runFor(ms);
      expect(left.closes).toHaveLength(1);
      expect(pair.fabric.connectionsOf(pair.leftLife)).toBe(0);
    }
  });

  it('delivers nothing to a dead process, and nothing from it', async () => {
    const pair = new Pair(1);
    const { left, right } = await pair.connected();
    left.connection?.send(frameOf(1, 1));
    pair.rightLife.end();
    pair.fabric.died(pair.rightLife, false);
    right.connection?.send(frameOf(1, 2));
    await pair.runFor(60_000);
    expect([right.frames, left.frames]).toEqual([[], []]);
  });

  it.each([
    ['loses', { lossChance: 0.5 }, (numbers: readonly number[]) => numbers.length < 100],
    ['doubles', { duplicateChance: 0.5 }, (numbers: readonly number[]) => numbers.length > 100],
    [
      'reorders',
      { reorderChance: 0.5 },
      (numbers: readonly number[]) => numbers.some((number, index) => number < (numbers[index - 1] ?? 0)),
    ],
  ])('%s frames in the hostile profile', async (_, options, isSeen) => {
    const pair = new Pair(1, options);
    const { left, right } = await pair.connected();
    for (let number = 0; number < 100; number += 1) left.connection?.send(frameOf(1, number));
    await pair.runFor(10_000);
    const numbers = numbersOf(right.frames);
    expect(isSeen(numbers)).toBe(true);
    expect(new Set(numbers).size).toBeLessThanOrEqual(100);
  });

  it('breaks the connections on which frames were lost, and no other, when everything is to heal', async () => {
    const pair = new Pair(1);
    const { left, right } = await pair.connected();
    left.connection?.send(frameOf(1, 1));
    await pair.runFor(100);
    pair.fabric.breakLossy();
    await pair.runFor(30_000);
    expect([left.closes, right.closes]).toEqual([[], []]);
    pair.fabric.filter = () => true;
    left.connection?.send(frameOf(1, 2));
    pair.fabric.filter = undefined;
    pair.fabric.breakLossy();
    await pair.runFor(30_000);
    expect([left.closes.length, right.closes.length, right.frames.length]).toEqual([1, 1, 1]);
  });
});
