/**
 * Plans that are simpler than a given one in one respect: a world that behaves, fewer nodes, clients and keys, operations that
 * differ less from each other. Each is tried on its own, and kept if it still fails.
 */
import type { PlannedFault, PlannedOperation, RunOptions, RunPlan } from '../plan/plan.ts';

/** One respect in which a plan can be simpler. Answers the plan itself where there is nothing to simplify. */
export type Simplification = (plan: RunPlan) => RunPlan;

const SECOND_US = 1_000_000;

/** In the order in which they are tried. */
export const SIMPLIFICATIONS: readonly Simplification[] = [
  withNetwork({ lossChance: 0 }),
  withNetwork({ duplicateChance: 0 }),
  withNetwork({ reorderChance: 0 }),
  withNetwork({ slowChance: 0 }),
  withNetwork({ minDelayUs: 1_000, meanDelayUs: 0 }),
  withDisk({ stallChance: 0 }),
  withDisk({ meanReadUs: 0 }),
  withDisk({ meanSyncUs: 300 }),
  withDisk({ segmentBytes: 200_000 }),
  withPerfectClocks,
  withDefault('sizes'),
  withDefault('limits'),
  withoutIdleKeys,
  withoutIdleTime,
  withNodes(3),
  withNodes(4),
  withOperations({ sloppy: false }),
  withOperations({ bytes: 0 }),
  withOperations({ timeoutMs: 5_000 }),
  withOperations({ hasWriteId: true }),
  withFirstNodeOnly,
];

function withNetwork(change: Partial<RunOptions['network']>): Simplification {
  return ({ options, ...rest }) => ({
    ...rest,
    options: { ...options, network: { ...options.network, ...change } },
  });
}

function withDisk(change: Partial<RunOptions['disk']>): Simplification {
  return ({ options, ...rest }) => ({
    ...rest,
    options: { ...options, disk: { ...options.disk, ...change } },
  });
}

function withOperations(change: Partial<PlannedOperation>): Simplification {
  return (plan) => ({
    ...plan,
    operations: plan.operations.map((operation) => ({ ...operation, ...change })),
  });
}

function withFirstNodeOnly(plan: RunPlan): RunPlan {
  return {
    ...plan,
    operations: plan.operations.map((operation) => ({ ...operation, nodes: operation.nodes.slice(0, 1) })),
  };
}

function withPerfectClocks({ options, ...rest }: RunPlan): RunPlan {
  const clocks = options.clocks.map(() => ({
    drift: 0,
    wallOffsetMs: 0,
    lateMs: 0,
    stallChance: 0,
    stallMs: 0,
  }));
  return { ...rest, options: { ...options, clocks } };
}

/** As in production. */
function withDefault(option: 'sizes' | 'limits'): Simplification {
  return (plan) =>
    plan.options[option] === undefined
      ? plan
      : { ...plan, options: { ...plan.options, [option]: undefined } };
}

/** Keys that no operation names; the others keep their names, and so their home replicas. */
function withoutIdleKeys(plan: RunPlan): RunPlan {
  const used = [...new Set(plan.operations.map(({ key }) => key))].sort((left, right) => left - right);
  if (used.length === 0) return plan;
  const keys = used.map((key) => plan.options.keys[key] as string);
  return {
    ...plan,
    options: { ...plan.options, keys },
    operations: plan.operations.map((operation) => ({ ...operation, key: used.indexOf(operation.key) })),
  };
}

/** The part of a run in which things break ends a second after the last thing that is planned for it. */
function withoutIdleTime(plan: RunPlan): RunPlan {
  const last = [...plan.operations, ...plan.faults].reduce((latest, { atUs }) => Math.max(latest, atUs), 0);
  const faultyUs = Math.min(plan.options.faultyUs, last + SECOND_US);
  return { ...plan, options: { ...plan.options, faultyUs } };
}

/** Another number of nodes gives keys other home replicas, so this helps now and then only. */
function withNodes(nodes: number): Simplification {
  return (plan) => {
    if (plan.options.nodes <= nodes) return plan;
    const options = { ...plan.options, nodes, clocks: plan.options.clocks.slice(0, nodes) };
    const operations = plan.operations.map((operation) => ({
      ...operation,
      n: Math.min(operation.n, nodes),
      r: Math.min(operation.r, nodes),
      w: Math.min(operation.w, nodes),
      nodes: [...new Set(operation.nodes.map((node) => node % nodes))],
    }));
    return {
      ...plan,
      options,
      operations,
      faults: plan.faults.filter((fault) => concernsOnly(fault, nodes)),
    };
  };
}

function concernsOnly(fault: PlannedFault, nodes: number): boolean {
  switch (fault.type) {
    case 'cut':
      return fault.links.flat().every((node) => node < nodes);
    case 'reset':
      return fault.left < nodes && fault.right < nodes;
    case 'filter':
      return fault.from < nodes && fault.to < nodes;
    default:
      return fault.node < nodes;
  }
}
