/**
 * Draws what is special about a run with conditional writes: few keys and many clients at once, so that they meet; one
 * workload, so that more can be said of the outcome than that it is linearizable; and in some seeds plain writes of the same keys.
 */
import { Stream } from '../world/draw.ts';
import {
  CONDITIONAL_WORKLOADS,
  type ConditionalOptions,
  type ConditionalType,
  type ConditionalWorkload,
  type PlannedOperation,
  type RunOptions,
} from './plan.ts';

const SECOND_US = 1_000_000;

type Type = PlannedOperation['type'];

/** The same world with fewer keys and less time, and N of 5 now and then. */
export function withConditional(seed: number, options: RunOptions): RunOptions {
  const stream = new Stream(seed, 'conditional-options');
  const conditional = drawWorkload(stream);
  const keys = conditional.workload === 'create-race' ? stream.integer(20, 60) : stream.integer(1, 3);
  // A key is collected only where it stays deleted for a while.
  const rareKeys = drawCollectAfterMs(seed, { conditional }) === undefined ? 0 : 20;
  return {
    ...options,
    n: options.nodes === 5 && stream.chance(0.35) ? 5 : 3,
    keys: Array.from({ length: keys + rareKeys }, (_, index) => `key-${index}`),
    clients: stream.integer(3, 8),
    faultyUs: stream.integer(20, 60) * SECOND_US,
    conditional,
  };
}

/** Milliseconds after which deleted keys are collected where that is what the run is about; undefined: it is not. */
export function drawCollectAfterMs(
  seed: number,
  { conditional }: Pick<RunOptions, 'conditional'>,
): number | undefined {
  const stream = new Stream(seed, 'collecting');
  if (conditional?.workload !== 'recreate' || stream.chance(0.2)) return undefined;
  return stream.integer(200, 2_000);
}

function drawWorkload(stream: Stream): ConditionalOptions {
  const workload = stream.pick(['register', 'register', 'register', ...CONDITIONAL_WORKLOADS] as const);
  // Only registers get plain writes as well: they would make siblings of what a counter, a list or a lock is.
  const mode = stream.chance(workload === 'register' ? 0.75 : 0.4) ? 'mixed' : 'cas';
  return { mode, workload };
}

/** The drawn operations as conditional ones, in crowds. */
export function conditionalOperations(
  seed: number,
  { n, faultyUs, conditional, keys }: RunOptions,
  operations: readonly PlannedOperation[],
): readonly PlannedOperation[] {
  const stream = new Stream(seed, 'conditional-operations');
  const { workload, mode } = conditional as ConditionalOptions;
  const types = typesOf(workload, mode, stream);
  const majority = Math.floor(n / 2) + 1;
  const staleShare = stream.pick([0, 0.05, 0.3]);
  const crowdChance = stream.between(0.02, mode === 'mixed' ? 0.6 : 0.3);
  // Some crowds come within a round, others within several.
  const crowdUs = stream.pick([5_000, 20_000, 60_000]);
  let [first, left]: [PlannedOperation | undefined, number] = [undefined, 0];
  const made = operations.map((operation): PlannedOperation => {
    const type = stream.pick(types);
    const isPlain = type === 'put' || type === 'delete';
    const isStale = stream.chance(staleShare);
    const common = {
      ...operation,
      type,
      key: Math.floor(stream.fraction() * keys.length),
      ...{ n, r: majority, w: majority, sloppy: false },
      // Two attempts of a plain write may make two events, of which no order can be told.
      nodes: isPlain ? operation.nodes.slice(0, 1) : operation.nodes,
      hasWriteId: type === 'delete' || !(isPlain || type === 'get'),
      context: isPlain
        ? stream.pick(['seen', 'seen', 'none'] as const)
        : isStale
          ? ('stale' as const)
          : ('seen' as const),
      bytes: Math.min(operation.bytes, 200),
    };
    const placed = type === 'delete' ? { ...common, context: 'seen' as const } : common;
    if (first !== undefined && left > 0) {
      left -= 1;
      const atUs = Math.min(faultyUs - 1, first.atUs + stream.integer(0, crowdUs));
      return { ...placed, key: first.key, atUs };
    }
    if (stream.chance(crowdChance)) left = stream.integer(2, 8);
    first = placed;
    return placed;
  });
  return made.toSorted((left_, right) => left_.atUs - right.atUs);
}

/** One of these for each operation, each as often as it is here. */
function typesOf(workload: ConditionalWorkload, mode: string, stream: Stream): readonly Type[] {
  const read: readonly Type[] = ['linearizable-get', 'linearizable-get', 'get'];
  const some = (type: ConditionalType, count: number): readonly Type[] =>
    Array.from({ length: count }, () => type);
  switch (workload) {
    case 'register':
      return [
        ...read,
        ...some('replace', stream.integer(2, 6)),
        ...some('create', 1),
        ...some('remove', stream.integer(0, 2)),
        ...(mode === 'mixed' ? Array.from({ length: stream.integer(1, 6) }, (): Type => 'put') : []),
        ...(mode === 'mixed' && stream.chance(0.5) ? (['delete'] as const) : []),
      ];
    case 'counter':
    case 'append':
      return [...read, ...some('replace', 6)];
    case 'create-race':
      return [...read.slice(1), ...some('create', 6)];
    case 'lock':
      return [...read.slice(1), ...some('create', 6)];
    case 'recreate':
      return [...read.slice(1), ...some('create', 3), ...some('remove', 3), ...some('replace', 1)];
  }
}
