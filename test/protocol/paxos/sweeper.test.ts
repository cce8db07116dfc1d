/** What sweeps up rounds that nobody finishes, by itself: which of many it tries, and in which order. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import { SWEEP_AFTER_MS, SWEEP_CONCURRENCY, SWEEP_INTERVAL_MS } from '../../../src/core/limits.ts';
import type { Ballot } from '../../../src/core/paxos/ballot.ts';
import { InFlight } from '../../../src/protocol/in-flight.ts';
import { Sweeper, type SweeperPorts } from '../../../src/protocol/paxos/sweeper.ts';
import type { UnfinishedRound } from '../../../src/protocol/replica/acceptor-store.ts';
import { ballot } from '../../core/paxos/stage.ts';
import { TestClock } from './test-clock.ts';

const SELF = 'n1' as NodeId;

/** Unfinished rounds of these keys, and those that were tried, in order. Those that cannot end stay unfinished. */
class Scene {
  readonly clock = new TestClock();
  readonly tried: string[] = [];
  readonly #unfinished = new Map<string, UnfinishedRound>();
  readonly #isStuck: (key: string) => boolean;
  #tries = 0;

  constructor(isStuck: (key: string) => boolean) {
    this.#isStuck = isStuck;
    const ports: Partial<SweeperPorts> = {
      self: SELF,
      clock: this.clock,
      acceptors: { unfinished: this.#all(), watch: () => {} } as unknown as SweeperPorts['acceptors'],
      random: { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count) },
      inFlight: new InFlight(),
      homesOf: () => [SELF],
      finish: (entry) => this.#finish(entry),
      tracer: { trace: () => {} },
    };
    this.sweeper = new Sweeper(ports as SweeperPorts);
  }

  readonly sweeper: Sweeper;

  add(key: string, accepted?: Ballot): void {
    const entry = { bucket: 'things', key };
    this.#unfinished.set(key, { entry, ballot: accepted, hasAccepted: true, acceptedAtMs: 0 });
  }

  /** As many looks as that, each with what it tries. */
  async look(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      this.clock.advance(SWEEP_INTERVAL_MS);
      await setImmediate();
    }
  }

  #all(): Iterable<UnfinishedRound> {
    return { [Symbol.iterator]: () => this.#unfinished.values() };
  }

  #finish({ key }: EntryName): ReturnType<SweeperPorts['finish']> {
    this.tried.push(key);
    this.#tries += 1;
    if (!this.#isStuck(key)) this.#unfinished.delete(key);
    // It was accepted here again, and by nobody else.
    else if (this.#unfinished.get(key)?.ballot !== undefined) this.add(key, ballot(100 + this.#tries));
    return Promise.resolve({ type: 'cannot-coordinate', reason: 'a test' });
  }
}

const LOOKS_UNTIL_DUE = SWEEP_AFTER_MS / SWEEP_INTERVAL_MS + 1;
const STUCK = Array.from({ length: SWEEP_CONCURRENCY }, (_, index) => `stuck-${index}`);

describe('rounds that cannot be finished', () => {
  it('are not in the way of others: the least recently tried have their turn', async () => {
    const scene = new Scene((key) => key.startsWith('stuck'));
    for (const key of [...STUCK, 'stuck-last', 'whole']) scene.add(key);
    scene.sweeper.start();
    await scene.look(LOOKS_UNTIL_DUE + 2);
    const [first, last] = [STUCK.slice(0, -2), STUCK.slice(-2)];
    expect(scene.tried).toEqual([...STUCK, 'stuck-last', 'whole', ...first, ...last, ...first]);
    await scene.sweeper.close();
  });

  it('are not in the way of those that come later, though something of them is accepted at each try', async () => {
    const scene = new Scene((key) => key.startsWith('stuck'));
    for (const key of STUCK) scene.add(key, ballot(1));
    scene.sweeper.start();
    await scene.look(LOOKS_UNTIL_DUE);
    expect(scene.tried).toEqual(STUCK);
    // From now on all of them are due at the same moments.
    scene.add('whole');
    await scene.look(LOOKS_UNTIL_DUE);
    expect(scene.tried[STUCK.length]).toBe('whole');
    await scene.sweeper.close();
  });
});
