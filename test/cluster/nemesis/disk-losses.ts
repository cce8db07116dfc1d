/**
 * Lets the disk of one node lose something, and does what the manual tells an operator to do then: a node that does not start
 * any more on a damaged store gets an empty directory, and so does one on whose disk the damage still is when all is well.
 */
import { realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessCluster } from '../process-cluster.ts';
import type { Draw } from '../random-load.ts';
import type { RecordedRun } from '../recorded-run.ts';
import type { DiskLossFault } from './fault-plan.ts';
import { copyDirectory, emptyDirectory, type FlippedByte, flipByte, isStillDamaged } from './node-disk.ts';
import type { NodeWatch } from './node-watch.ts';
import type { ProcessFaults } from './process-faults.ts';

export interface DiskLossPorts {
  readonly cluster: ProcessCluster;
  readonly run: RecordedRun;
  readonly watch: NodeWatch;
  readonly processes: ProcessFaults;
  readonly draw: Draw;
}

export class DiskLosses {
  readonly #ports: DiskLossPorts;
  #flipped: { readonly node: string; readonly byte: FlippedByte } | undefined;

  constructor(ports: DiskLossPorts) {
    this.#ports = ports;
  }

  async inject({ kind, node, afterMs, downMs }: DiskLossFault): Promise<void> {
    const { cluster, run, watch, processes, draw } = this.#ports;
    const directory = await this.#directory(node);
    const copy = join(cluster.directory, `copy-of-${node}`);
    if (kind === 'rolled-back') await this.#snapshot(node, copy);
    await delay(afterMs);
    watch.expectRunning(node);
    if (cluster.isRunning(node)) await cluster.kill9(node);
    run.diskLost(kind === 'wiped');
    watch.hasLost(node);
    if (kind !== 'flipped-byte') await emptyDirectory(directory);
    if (kind === 'rolled-back') await copyDirectory(copy, directory);
    await rm(copy, { recursive: true, force: true });
    if (kind === 'flipped-byte') {
      const byte = await flipByte(directory, draw);
      if (byte !== undefined) this.#flipped = { node, byte };
      watch.mayEnd(node);
    }
    await delay(downMs);
    processes.start(node);
  }

  /** Whether there is a disk that may be damaged. */
  get mayBeDamaged(): boolean {
    return this.#flipped !== undefined;
  }

  /** Whether the node has ended that has met its damage, or may have. */
  hasEnded(): boolean {
    return this.#flipped !== undefined && !this.#ports.cluster.isRunning(this.#flipped.node);
  }

  /** Starts a node that has ended: on an empty disk, if the one that it had is damaged. */
  async restart(node: string): Promise<void> {
    if (this.#flipped?.node === node) await this.#replace(node);
    else this.#ports.processes.start(node);
  }

  /** Replaces the disk on which there still is some damage that nobody met. Answers whether there was one. */
  async replaceDamaged(): Promise<boolean> {
    if (this.#flipped === undefined) return false;
    const { node, byte } = this.#flipped;
    const isDamaged = await isStillDamaged(byte);
    if (isDamaged) {
      if (this.#ports.cluster.isRunning(node)) await this.#ports.cluster.kill9(node);
      await this.#replace(node);
    } else this.#isWhole(node);
    return isDamaged;
  }

  /** What the process said on the damaged disk is looked at before the disk is taken for whole. */
  async #replace(node: string): Promise<void> {
    this.#ports.run.diskLost(true);
    await emptyDirectory(await this.#directory(node));
    this.#ports.processes.start(node);
    this.#isWhole(node);
  }

  #isWhole(node: string): void {
    this.#flipped = undefined;
    this.#ports.watch.isSound(node);
  }

  async #snapshot(node: string, copy: string): Promise<void> {
    const { cluster } = this.#ports;
    if (!cluster.isRunning(node)) return;
    cluster.stop(node);
    try {
      await copyDirectory(await this.#directory(node), copy);
    } finally {
      cluster.cont(node);
    }
  }

  /** The real one, where its place is taken by a link. */
  #directory(node: string): Promise<string> {
    return realpath(join(this.#ports.cluster.dataDirectory, node));
  }
}
