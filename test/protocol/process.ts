/** One node of a stage, started with settings of its own; it outlives its failed store, so that a test can see what it does. */
import { configurationEpoch } from '../../src/codec/hash.ts';
import type { NodeId } from '../../src/core/ids.ts';
import {
  startStorageNode,
  type StorageNode,
  type StorageNodeOptions,
} from '../../src/protocol/storage-node.ts';
import { Life } from '../sim/world/life.ts';
import { SimClock } from '../sim/world/sim-clock.ts';
import { SimRandom } from '../sim/world/sim-random.ts';
import type { Stage } from './stage.ts';

export interface Process {
  readonly node: StorageNode;
  readonly life: Life;
  /** What `onFatal` was told. */
  readonly fatal: readonly Error[];
  /** Ends the process; what took effect on its disk stays. */
  readonly end: () => void;
}

/** The ports of a new process on the disk of a node of the stage. */
export function portsOf(
  stage: Stage,
  id: string,
): Pick<StorageNodeOptions, 'clock' | 'random' | 'storage' | 'network'> & { readonly life: Life } {
  const { loop, fabric, options } = stage.world;
  const nodeId = id as NodeId;
  const name = `${id}#own${stage.countProcess()}`;
  const life = new Life(name, () => {});
  const { disk, clockFaults } = stage.machine(id);
  return {
    life,
    clock: new SimClock(options.seed, loop, life, clockFaults),
    random: new SimRandom(options.seed, name),
    storage: disk.opened(life),
    network: fabric.networkOf(nodeId, life),
  };
}

/** Starts a process and waits for it. Rejects as startStorageNode does. */
export async function startProcess(
  stage: Stage,
  id: string,
  overrides: Partial<StorageNodeOptions> = {},
): Promise<Process> {
  const { starting, ...process } = beginProcess(stage, id, overrides);
  return { node: await stage.run(starting), ...process };
}

/** As startProcess, without letting time pass. */
export function beginProcess(
  stage: Stage,
  id: string,
  overrides: Partial<StorageNodeOptions> = {},
): Omit<Process, 'node'> & { readonly starting: Promise<StorageNode> } {
  const { life, ...ports } = portsOf(stage, id);
  const fatal: Error[] = [];
  const { config } = stage;
  const starting = startStorageNode({
    config,
    epoch: configurationEpoch(config),
    nodeId: id as NodeId,
    sync: true,
    peerSecret: undefined,
    antiEntropy: stage.world.options.antiEntropy ?? true,
    ...ports,
    tracer: { trace: (event) => stage.traces.push({ node: id, event }) },
    askAllShare: stage.world.options.askAllShare ?? 0,
    isLowOnSpace: () => false,
    onFatal: (error) => fatal.push(error),
    ...overrides,
  });
  const end = (): void => {
    life.end();
    stage.disk(id).processEnded();
    stage.world.fabric.died(life, false);
  };
  return { starting, life, fatal, end };
}
