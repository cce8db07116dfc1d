/** What a plan holds, in words. */
import type { PlannedFault, PlannedOperation, RunPlan } from '../plan/plan.ts';

/** The options that were drawn, a line each. */
export function describeOptions({ options, operations, faults }: RunPlan): readonly string[] {
  const { network, disk, clocks } = options;
  const drifts = clocks.map(({ drift }) => Math.round(drift * 1_000_000)).join(' ');
  const offsets = clocks.map(({ wallOffsetMs }) => wallOffsetMs).join(' ');
  const late = clocks.map(({ stallChance }) => stallChance).join(' ');
  const { conditional } = options;
  const { readRepair, handoff, antiEntropy, askAllShare } = options.repairs;
  const repairs = Object.entries({ readRepair, handoff, antiEntropy }).flatMap(([name, isOn]) =>
    isOn ? [name] : [],
  );
  return [
    `nodes ${options.nodes}, N ${options.n}, clients ${options.clients}, ${options.sync ? 'synced' : 'NOT synced'}, at most ${options.maxSiblings} siblings, keys ${options.keys.join(' ')}`,
    `${operations.length} operations and ${faults.length} faults in ${options.faultyUs / 1_000_000} s; reads ${options.readsSeeWrites ? 'must' : 'need not'} see acknowledged writes`,
    `network: delay ${us(network.minDelayUs)} + ${us(network.meanDelayUs)}, slow ${network.slowChance}, loss ${rate(network.lossChance)}, duplicates ${rate(network.duplicateChance)}, reordering ${rate(network.reorderChance)}`,
    `disk: sync ${us(disk.meanSyncUs)}, write ${us(disk.meanWriteUs)}, read ${us(disk.meanReadUs)}, stall ${disk.stallChance} up to ${us(disk.stallUs)}, segments of ${disk.segmentBytes} bytes`,
    `repairs: ${repairs.length === 0 ? 'none' : repairs.join(' ')}; ${rate(askAllShare)} of the reads ask all; tombstones are reaped ${options.reapAfterMs === undefined ? 'never' : `after ${options.reapAfterMs} ms`}`,
    ...(conditional === undefined
      ? []
      : [`conditional writes: bucket mode ${conditional.mode}, workload ${conditional.workload}`]),
    ...knobs('sizes as in production, but', options.sizes),
    ...knobs('limits as in production, but', options.limits),
    `clocks: drift ${drifts} ppm, wall off by ${offsets} ms, late timers ${late}`,
  ];
}

/** Those that were set, in one line; no line if none was. */
function knobs(what: string, set: Readonly<Record<string, number>> | undefined): readonly string[] {
  const values = Object.entries(set ?? {}).map(([name, value]) => `${name} ${value}`);
  return values.length === 0 ? [] : [`${what}: ${values.join(', ')}`];
}

/** An operation as its client begins it. */
export function describeOperation(operation: PlannedOperation, keys: readonly string[]): string {
  const { id, client, type, key, nodes, n, r, w, sloppy, context, hasWriteId } = operation;
  const through = nodes.map((node) => `n${node + 1}`).join('/');
  const what = `c${client} ${sloppy ? 'sloppy ' : ''}${type} ${id} of ${keys[key]} to ${through}`;
  if (type === 'get' || type === 'linearizable-get') return `${what}, R=${r}/${n}`;
  return `${what}, W=${w}/${n}, context ${context}${hasWriteId ? ', id' : ''}`;
}

/** A fault with all that it does. */
export function describeFault(fault: PlannedFault): string {
  const time = 'forUs' in fault ? ` for ${us(fault.forUs)}` : '';
  switch (fault.type) {
    case 'crash': {
      const when = fault.afterCalls === 0 ? '' : ` inside its ${fault.afterCalls}th call from now`;
      const how = `${fault.power ? 'loses its power' : 'crashes'}${when}`;
      return `n${fault.node + 1} ${how}, disk ${fault.disk}, down for ${us(fault.downUs)}`;
    }
    case 'snapshot':
      return `a snapshot of the disk of n${fault.node + 1} is taken`;
    case 'forget':
      return `the disk of n${fault.node + 1} loses all its records`;
    case 'cut':
      return `cut ${fault.links.map(([from, to]) => `n${from + 1}>n${to + 1}`).join(' ')}${time}`;
    case 'reset':
      return `connections between n${fault.left + 1} and n${fault.right + 1} break`;
    case 'pause':
      return `n${fault.node + 1} is paused${time}`;
    case 'slow':
      return `n${fault.node + 1} is ${fault.factor} times slower${time}`;
    case 'clock-jump':
      return `the wall clock of n${fault.node + 1} jumps by ${fault.ms} ms`;
    case 'write-fault':
      return `the next write to the disk of n${fault.node + 1} fails (${fault.fault})${time}`;
    case 'low-space':
      return `the disk of n${fault.node + 1} is low on space${time}`;
    case 'misread':
      return `n${fault.node + 1} misreads its disk (${fault.kind})${time}`;
    case 'filter':
      return `${fault.kind} ${fault.kind.startsWith('request') ? '' : 'replies '}from n${fault.from + 1} to n${fault.to + 1} are lost${time}`;
  }
}

function us(microseconds: number): string {
  if (microseconds >= 1_000_000) return `${(microseconds / 1_000_000).toFixed(1)} s`;
  return microseconds >= 1_000 ? `${(microseconds / 1_000).toFixed(1)} ms` : `${Math.round(microseconds)} us`;
}

function rate(chance: number): string {
  return chance === 0 ? '0' : `${(chance * 100).toFixed(1)} %`;
}
