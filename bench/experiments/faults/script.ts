/** Breaks and mends a cluster by a schedule, and looks at what each fault has left behind. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchCluster, ClusterNode } from '../../system/cluster.ts';
import { ARM_IDS, type ArmId } from '../arms/arms.ts';
import type { TimelineJob } from '../clients/jobs.ts';
import type { ExperimentContext } from '../experiment.ts';
import type { PhaseName, Schedule } from './schedule.ts';
import type { FinalState } from '../judging/final-state.ts';

/** Each way, milliseconds. */
export const SLOW_MS = 50;

/** What one arm's keys of a phase were like when the fault was over. */
export interface Aftermath {
  readonly arm: ArmId;
  readonly phase: PhaseName;
  /** Until all replicas of its keys were equal; undefined if that took more than a minute. */
  readonly equalMs: number | undefined;
  /** Most siblings in a key then. */
  readonly siblings: number;
}

type Moment = Exclude<keyof Schedule, 'endMs'>;

interface ScriptSetup {
  readonly schedule: Schedule;
  readonly job: Omit<TimelineJob, 'type'>;
  readonly finalState: FinalState;
  readonly context: ExperimentContext;
}

/** Does what the schedule says, and looks at what is left of it. */
export class FaultScript {
  readonly #cluster: BenchCluster;
  readonly #setup: ScriptSetup;
  readonly #aftermaths: Promise<readonly Aftermath[]>[] = [];
  readonly #happenedMs: Partial<Record<Moment, number>> = {};
  #startMs = 0;

  constructor(cluster: BenchCluster, setup: ScriptSetup) {
    this.#cluster = cluster;
    this.#setup = setup;
  }

  /** When things really happened: a busy machine is late. */
  get happened(): Schedule {
    return { ...this.#setup.schedule, ...this.#happenedMs };
  }

  async run(): Promise<readonly Aftermath[]> {
    this.#startMs = performance.now();
    const { nodes, links } = this.#cluster;
    const [n1, n2, n3, n4, n5] = nodes as [ClusterNode, ClusterNode, ClusterNode, ClusterNode, ClusterNode];
    await this.#at('killMs', 'kill -9 of n3, a home replica of all keys', () => n3.kill());
    await this.#at('restartMs', 'n3 starts again', () => this.#lookAt('killed', n3.restart()));
    await this.#at('partMs', 'n1 and n2 do not hear the others', () =>
      links?.part([n1.id, n2.id], [n3.id, n4.id, n5.id]),
    );
    await this.#at('healMs', 'the sides hear each other again', () => links?.heal());
    this.#lookAt('parted');
    await this.#at('slowMs', `n4 is slow: ${SLOW_MS} ms each way`, () => links?.slow(n4.id, SLOW_MS));
    await this.#at('quickMs', 'n4 is quick again', () => links?.heal());
    this.#lookAt('slow');
    return (await Promise.all(this.#aftermaths)).flat();
  }

  async #at(moment: Moment, what: string, act: () => Promise<void> | undefined | void): Promise<void> {
    const { context, schedule } = this.#setup;
    const dueMs = this.#startMs + schedule[moment] - performance.now();
    await delay(Math.max(0, dueMs), undefined, { signal: context.signal });
    context.progress(`faults: ${what}`);
    this.#happenedMs[moment] = performance.now() - this.#startMs;
    await act();
  }

  /** Beside what comes next; `mended`: from then on. */
  #lookAt(phase: PhaseName, mended = Promise.resolve()): void {
    const aftermath = mended.then(() => this.#aftermathOf(phase));
    aftermath.catch(() => {});
    this.#aftermaths.push(aftermath);
  }

  async #aftermathOf(phase: PhaseName): Promise<readonly Aftermath[]> {
    const { job, finalState } = this.#setup;
    const keys = job.phases.find(({ name }) => name === phase)?.keys;
    if (keys === undefined) return [];
    return Promise.all(
      ARM_IDS.map(async (arm) => {
        const equalMs = await finalState.untilEqual(keys[arm], 1);
        return { arm, phase, equalMs, siblings: await finalState.mostSiblings(arm, keys[arm]) };
      }),
    );
  }
}
