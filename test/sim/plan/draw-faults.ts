/**
 * Draws what breaks in a run. Swarm: each kind of fault is off in half of the seeds, so that one does not hide another.
 */
import { Stream } from '../world/draw.ts';
import {
  FILTERED_BACKGROUND_KINDS,
  FILTERED_KINDS,
  FILTERED_PAXOS_KINDS,
  MISREAD_KINDS,
  type PlannedFault,
  type RunOptions,
} from './plan.ts';

const SECOND_US = 1_000_000;

type CrashFault = Extract<PlannedFault, { readonly type: 'crash' }>;
type FaultDraw = (
  stream: Stream,
  options: RunOptions,
  atUs: number,
) => PlannedFault | readonly PlannedFault[];

/** The longest that anything stays broken: longer than all timeouts of nodes and clients. */
const LONGEST_SECONDS = 60;

/** What happens again and again, and between which means of the seconds from one to the next. */
const KINDS: readonly (readonly [FaultDraw, minSeconds: number, maxSeconds: number])[] = [
  [drawCrash, 5, 120],
  [drawPartition, 5, 60],
  [drawClog, 10, 60],
  [drawSwizzle, 10, 60],
  [drawPause, 10, 60],
  [drawSlow, 10, 60],
  [drawClockJump, 20, 60],
  [drawWriteFault, 20, 90],
  [drawLowSpace, 20, 90],
  [drawFilter, 5, 40],
  [drawMisread, 10, 60],
];

/** The faults of a run, in the order of their times. `mayLoseDisk`: whether one disk may lose what was durable on it. */
export function drawFaults(seed: number, options: RunOptions, mayLoseDisk: boolean): readonly PlannedFault[] {
  const stream = new Stream(seed, 'faults');
  const links = (options.nodes * (options.nodes - 1)) / 2;
  const faults = [
    ...KINDS.flatMap(([drawFault, minSeconds, maxSeconds]) =>
      drawSeries(stream, options, drawFault, [minSeconds, maxSeconds]),
    ),
    ...drawSeries(stream, options, drawReset, [1 / links, 60 / links]),
    ...(stream.chance(0.1) ? drawDarkness(stream, options) : []),
    // A failed disk beside a lost one would be two.
    ...(mayLoseDisk && stream.chance(0.25) ? drawDiskLoss(stream, options) : []),
  ];
  return faults.toSorted((left, right) => left.atUs - right.atUs);
}

/** Nothing in half of the seeds. */
function drawSeries(
  stream: Stream,
  options: RunOptions,
  drawFault: FaultDraw,
  [minSeconds, maxSeconds]: readonly [number, number],
): readonly PlannedFault[] {
  if (stream.chance(0.5)) return [];
  const faults: PlannedFault[] = [];
  const meanUs = stream.between(minSeconds, maxSeconds) * SECOND_US;
  for (
    let atUs = stream.fraction() * meanUs;
    atUs < options.faultyUs;
    atUs += stream.between(0.3, 1.7) * meanUs
  ) {
    faults.push(...[drawFault(stream, options, Math.floor(atUs))].flat());
  }
  return faults;
}

/** How long something stays broken: short and long times alike, by their logarithm. */
function drawDurationUs(stream: Stream, minSeconds: number): number {
  return Math.floor(minSeconds * (LONGEST_SECONDS / minSeconds) ** stream.fraction() * SECOND_US);
}

function anyNode(stream: Stream, options: RunOptions): number {
  return stream.integer(0, options.nodes - 1);
}

function drawCrash(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'crash',
    atUs,
    node: anyNode(stream, options),
    power: options.sync && stream.chance(0.3),
    afterCalls: stream.chance(0.3) ? stream.integer(1, 40) : 0,
    downUs: stream.chance(0.3) ? 0 : drawDurationUs(stream, 0.5),
    disk: 'kept',
  };
}

/** All processes end at once, or all machines lose their power, and they come back one after the other. */
function drawDarkness(stream: Stream, options: RunOptions): readonly PlannedFault[] {
  const atUs = Math.floor(stream.between(0.1, 0.9) * options.faultyUs);
  const power = options.sync && stream.chance(0.7);
  return [...Array(options.nodes).keys()].map((node) => ({
    ...powerLoss(stream, node, atUs, 'kept'),
    power,
  }));
}

function powerLoss(stream: Stream, node: number, atUs: number, disk: CrashFault['disk']): CrashFault {
  const downUs = drawDurationUs(stream, 0.1);
  return { type: 'crash', atUs, node, power: true, afterCalls: 0, downUs, disk };
}

function drawDiskLoss(stream: Stream, options: RunOptions): readonly PlannedFault[] {
  const node = anyNode(stream, options);
  const atUs = Math.floor(stream.between(0.2, 0.9) * options.faultyUs);
  const kind = stream.pick(['wiped', 'rolled-back', 'forgotten', 'gap'] as const);
  // A store that loses records and keeps what it accepted is one that no disk ever was: nothing is promised of its votes.
  if (kind === 'forgotten' && options.conditional !== undefined) return [];
  if (kind === 'forgotten') return [{ type: 'forget', atUs, node }];
  const crash = powerLoss(stream, node, atUs, kind);
  if (kind !== 'rolled-back') return [crash];
  if (stream.chance(0.5))
    return [{ type: 'snapshot', atUs: Math.floor(stream.fraction() * atUs), node }, crash];
  return [
    { type: 'snapshot', atUs: Math.floor(Math.max(0, atUs - stream.between(0.1, 3) * SECOND_US)), node },
    { ...crash, downUs: 0 },
    ...drawSolitude(stream, options, node, atUs),
  ];
}

/** Nobody reaches the node, which goes on from its old state, and is started once more before anybody does. */
function drawSolitude(
  stream: Stream,
  options: RunOptions,
  node: number,
  atUs: number,
): readonly PlannedFault[] {
  const others = [...Array(options.nodes).keys()].filter((other) => other !== node);
  const links = others.flatMap((other): (readonly [number, number])[] => [
    [node, other],
    [other, node],
  ]);
  const againUs = Math.floor(stream.between(5, 20) * SECOND_US);
  return [
    { type: 'cut', atUs: atUs - 1, links, forUs: againUs + 5 * SECOND_US },
    {
      type: 'crash',
      atUs: atUs + againUs,
      node,
      power: false,
      afterCalls: 0,
      downUs: SECOND_US,
      disk: 'kept',
    },
  ];
}

function drawPartition(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  const all = [...Array(options.nodes).keys()];
  const links: (readonly [number, number])[] = [];
  const cutBetween = (left: readonly number[], right: readonly number[], both: boolean): void => {
    for (const from of left) {
      for (const to of right) {
        links.push([from, to]);
        if (both) links.push([to, from]);
      }
    }
  };
  const kind = stream.pick(['isolate', 'halves', 'bridge', 'one-way', 'link', 'ring'] as const);
  const shuffled = stream.shuffle(all);
  const [first = 0, second = 1] = shuffled;
  const half = Math.floor(options.nodes / 2);
  if (kind === 'isolate') cutBetween([first], shuffled.slice(1), true);
  if (kind === 'halves') cutBetween(shuffled.slice(0, half), shuffled.slice(half), true);
  // One node sees both sides, which do not see each other.
  if (kind === 'bridge') cutBetween(shuffled.slice(1, half + 1), shuffled.slice(half + 1), true);
  if (kind === 'one-way') cutBetween([first], shuffled.slice(1), false);
  if (kind === 'link') cutBetween([first], [second], stream.chance(0.5));
  if (kind === 'ring') {
    for (const [index, node] of shuffled.entries()) {
      const next = shuffled[(index + 1) % shuffled.length];
      const previous = shuffled.at(index - 1);
      cutBetween(
        [node],
        shuffled.filter((other) => ![node, next, previous].includes(other)),
        false,
      );
    }
  }
  return { type: 'cut', atUs, links, forUs: drawDurationUs(stream, 0.5) };
}

/** One direction of one link holds what is sent for a while, and then delivers it at once. */
function drawClog(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  const [from = 0, to = 1] = stream.shuffle([...Array(options.nodes).keys()]);
  return { type: 'cut', atUs, links: [[from, to]], forUs: Math.floor(stream.between(0.1, 10) * SECOND_US) };
}

/** Some nodes are cut off one after the other, and reached again in another order (FoundationDB calls it swizzling). */
function drawSwizzle(stream: Stream, options: RunOptions, atUs: number): readonly PlannedFault[] {
  const all = [...Array(options.nodes).keys()];
  const some = stream.shuffle(all).slice(0, stream.integer(2, options.nodes));
  const stepUs = stream.between(0.05, 3) * SECOND_US;
  const returns = stream.shuffle([...some.keys()]);
  return some.map((node, order) => ({
    type: 'cut',
    atUs: Math.floor(atUs + order * stepUs),
    links: all.flatMap((other): (readonly [number, number])[] =>
      other === node
        ? []
        : [
            [node, other],
            [other, node],
          ],
    ),
    forUs: Math.floor((some.length - order + (returns[order] as number)) * stepUs),
  }));
}

function drawReset(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  const [left = 0, right = 1] = stream.shuffle([...Array(options.nodes).keys()]);
  return { type: 'reset', atUs, left, right };
}

function drawPause(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'pause',
    atUs,
    node: anyNode(stream, options),
    forUs: drawDurationUs(stream, 0.1),
  };
}

function drawSlow(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'slow',
    atUs,
    node: anyNode(stream, options),
    factor: stream.pick([10, 100, 1_000]),
    forUs: drawDurationUs(stream, 1),
  };
}

function drawClockJump(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'clock-jump',
    atUs,
    node: anyNode(stream, options),
    ms: stream.pick([-3_600_000, -5_000, 5_000, 86_400_000]),
  };
}

function drawWriteFault(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'write-fault',
    atUs,
    node: anyNode(stream, options),
    fault: stream.pick(['fail', 'fail-after-effect'] as const),
    forUs: drawDurationUs(stream, 1),
  };
}

function drawLowSpace(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'low-space',
    atUs,
    node: anyNode(stream, options),
    forUs: drawDurationUs(stream, 1),
  };
}

function drawFilter(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  const [from = 0, to = 1] = stream.shuffle([...Array(options.nodes).keys()]);
  const isConditional = options.conditional !== undefined;
  const kinds = isConditional ? [...FILTERED_KINDS, ...FILTERED_PAXOS_KINDS] : FILTERED_KINDS;
  const kind = stream.chance(0.25) ? stream.pick(FILTERED_BACKGROUND_KINDS) : stream.pick(kinds);
  return { type: 'filter', atUs, from, to, kind, forUs: drawDurationUs(stream, 1) };
}

function drawMisread(stream: Stream, options: RunOptions, atUs: number): PlannedFault {
  return {
    type: 'misread',
    atUs,
    node: anyNode(stream, options),
    kind: stream.pick(MISREAD_KINDS),
    forUs: drawDurationUs(stream, 1),
  };
}
