/**
 * Breaks what the plan says, round after round, and mends it again. After a round in which a disk has lost something everything
 * runs until all is healed, but for one slow link: the next loss would be one too many before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessCluster } from '../process-cluster.ts';
import type { Draw } from '../random-load.ts';
import type { RecordedRun } from '../recorded-run.ts';
import { BrokenTime } from './broken-time.ts';
import { untilConverged } from './convergence.ts';
import { DiskLosses } from './disk-losses.ts';
import type { LinkFault, Round } from './fault-plan.ts';
import { breakLinks } from './link-faults.ts';
import { NodeWatch } from './node-watch.ts';
import { ProcessFaults } from './process-faults.ts';
import type { SmallDisk } from './small-disk.ts';

/** Of one link while the cluster heals from a loss. */
const SLOW_LINK_MS = 20;
/** How long an operator waits for a node with a damaged disk before it gets another one. */
const DAMAGED_LIMIT_MS = 30_000;
/** After a start: a store that is damaged is refused by then, or has been opened. */
const START_MS = 1_500;

export interface NemesisOptions {
  readonly cluster: ProcessCluster;
  readonly run: RecordedRun;
  readonly smallDisk: SmallDisk | undefined;
  /** Where a byte is flipped. */
  readonly draw: Draw;
}

export class Nemesis {
  readonly watch: NodeWatch;
  readonly brokenTime = new BrokenTime();
  /** How often each kind was carried out. */
  readonly injected = new Map<string, number>();
  readonly #cluster: ProcessCluster;
  readonly #run: RecordedRun;
  readonly #processes: ProcessFaults;
  readonly #losses: DiskLosses;

  constructor({ cluster, run, smallDisk, draw }: NemesisOptions) {
    this.#cluster = cluster;
    this.#run = run;
    this.watch = new NodeWatch(cluster);
    this.#processes = new ProcessFaults(cluster, this.watch, smallDisk);
    this.#losses = new DiskLosses({ cluster, run, watch: this.watch, processes: this.#processes, draw });
  }

  /** Resolves when the round is over, and as much is healed as has to be before the next one. */
  async play({ links, processes, loss }: Round): Promise<void> {
    const lanes: Promise<void>[] = [this.brokenTime.during(this.#breakLinks(links))];
    for (const fault of processes) {
      lanes.push(delay(fault.afterMs).then(() => this.#count(fault.kind, this.#processes.inject(fault))));
    }
    if (loss !== undefined) lanes.push(this.#count(loss.kind, this.#losses.inject(loss)));
    // All of them come to their ends, whatever becomes of one: nothing may be broken behind the back of who mends.
    const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    if (loss === undefined) return this.#startEnded();
    this.#cluster.healLinks();
    const [one = '', other = ''] = this.#cluster.nodes;
    this.#cluster.link(one, other).delay(SLOW_LINK_MS);
    await this.brokenTime.during(this.#healLoss()).catch((error: unknown) => {
      throw new Error(`${loss.node} has a disk that was ${loss.kind}, and is not healed`, { cause: error });
    });
    this.#cluster.healLinks();
    if (loss.kind === 'wiped') this.watch.expectNoticed(loss.node);
  }

  /** Everything works again. Resolves when all nodes serve. */
  async mend(): Promise<void> {
    this.#cluster.healLinks();
    await this.#startEnded();
    await this.#cluster.waitReady();
  }

  /** Looks once more at what all nodes say. */
  lookAtAll(): void {
    for (const node of this.#cluster.nodes) {
      this.watch.expectRunning(node);
      this.watch.look(node);
    }
  }

  async #healLoss(): Promise<void> {
    do {
      do {
        await delay(START_MS);
        await this.#startEnded();
      } while (!(await this.#isConverged()));
    } while (await this.#losses.replaceDamaged());
    this.#run.disksHealed();
  }

  /**
   * False if it has to be waited for once more: damage was met late, and the node has ended; or what it keeps for others is
   * what cannot be read, so that it never gets there, and its disk was replaced. Rejects if it takes too long.
   */
  async #isConverged(): Promise<boolean> {
    try {
      await this.#cluster.waitReady();
      await untilConverged(
        this.#cluster,
        this.#run,
        this.#losses.mayBeDamaged ? DAMAGED_LIMIT_MS : undefined,
      );
      return true;
    } catch (error) {
      if (this.#losses.hasEnded() || (await this.#losses.replaceDamaged())) return false;
      throw error;
    }
  }

  async #breakLinks(faults: readonly LinkFault[]): Promise<void> {
    for (const fault of faults) await this.#count(fault.kind, breakLinks(this.#cluster, fault));
  }

  /** Whatever has ended is started, if need be on an empty disk. */
  async #startEnded(): Promise<void> {
    for (const node of this.#cluster.nodes) {
      if (this.#cluster.isRunning(node)) continue;
      this.watch.expectRunning(node);
      await this.#losses.restart(node);
    }
  }

  #count(kind: string, fault: Promise<void>): Promise<void> {
    this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1);
    return this.brokenTime.during(fault);
  }
}
