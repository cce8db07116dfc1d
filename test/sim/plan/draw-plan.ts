/**
 * Draws a plan from a seed. Swarm: each kind of fault is off in half of the seeds, so that one does not hide another.
 *
 * The fault budget: with W copies of each acknowledged write on distinct disks, W - 1 disks may be lost; one is, in some
 * seeds in which every W is at least 2. Without sync no power is lost. A disk that was wiped is noticed at once by all that its
 * node meets, so reads must see all writes all the same. One that was rolled back is noticed by those that had heard of what it
 * lost, and one that forgets while it is in use by nobody.
 */
import { MAX_KEY_BYTES } from '../../../src/core/limits.ts';
import { Stream } from '../world/draw.ts';
import type { ClockFaults } from '../world/sim-clock.ts';
import { conditionalOperations, drawCollectAfterMs, withConditional } from './draw-conditional.ts';
import { drawFaults } from './draw-faults.ts';
import { drawLimits, drawSizes } from './draw-knobs.ts';
import type { ContextSource, PlannedFault, PlannedOperation, RunOptions, RunPlan } from './plan.ts';

const SECOND_US = 1_000_000;
/** Microseconds in which a node that came back with an old state is asked alone. */
const OLD_STATE_US = 5 * SECOND_US;
/** Microseconds within which a crowd comes. */
const CROWD_US = 20_000;

/** Names that a store may take for something else, or cut off: what objects inherit, control characters, the longest one. */
const ODD_KEYS = [
  '__proto__',
  'constructor',
  '0',
  '\u0000',
  '\u00ff\u{10ffff}',
  'a/b?c#d e',
  'k'.repeat(MAX_KEY_BYTES),
];

export const PROFILES = ['quorum', 'mixed', 'conditional'] as const;
/**
 * `quorum`: R = W = 2 of N = 3 everywhere. `mixed`: N, R and W differ from request to request. `conditional`: conditional writes
 * and linearizable reads of few keys, in some seeds beside plain writes.
 */
export type Profile = (typeof PROFILES)[number];

export interface PlanSettings {
  readonly profile: Profile;
  readonly operations: number;
}

export function drawPlan(seed: number, settings: PlanSettings): RunPlan {
  const { profile } = settings;
  const drawn = drawOptions(seed, profile);
  const options = profile === 'conditional' ? withConditional(seed, drawn) : drawn;
  const operations = drawOperations(seed, options, settings);
  const faults = drawFaults(seed, options, profile !== 'mixed');
  const losesUnnoticed = faults.some(
    (fault) => fault.type === 'forget' || (fault.type === 'crash' && fault.disk === 'rolled-back'),
  );
  // What a disk brings back after its loss may have been deleted and reaped meanwhile: nothing is promised of that.
  const mayBringBack =
    losesUnnoticed || faults.some((fault) => fault.type === 'crash' && fault.disk === 'gap');
  const reapAfterMs = mayBringBack ? undefined : (drawCollectAfterMs(seed, options) ?? drawReapAfterMs(seed));
  return {
    seed,
    options: { ...options, readsSeeWrites: !losesUnnoticed, reapAfterMs },
    operations:
      profile === 'conditional'
        ? conditionalOperations(seed, options, operations)
        : askedOfOldState(operations, faults),
    faults,
  };
}

/**
 * What comes after a disk was rolled back is asked of its node, which need not wait for others: so it goes on from its old state
 * even where it meets nobody. What it acknowledges then lies on a disk that loses nothing more.
 */
function askedOfOldState(
  operations: readonly PlannedOperation[],
  faults: readonly PlannedFault[],
): readonly PlannedOperation[] {
  const loss = faults.find((fault) => fault.type === 'crash' && fault.disk === 'rolled-back');
  if (loss?.type !== 'crash') return operations;
  const { node, downUs } = loss;
  const fromUs = loss.atUs + downUs;
  return operations.map((operation) => {
    if (operation.atUs <= fromUs || operation.atUs > fromUs + OLD_STATE_US) return operation;
    const others = operation.nodes.filter((other) => other !== node);
    return { ...operation, nodes: [node, ...others], w: 1, sloppy: true };
  });
}

function drawOptions(seed: number, profile: Profile): RunOptions {
  const stream = new Stream(seed, 'options');
  const nodes = stream.pick([3, 4, 5, 5, 5]);
  const hostile = stream.chance(0.3);
  // A deletion is reaped only where nobody writes the key again soon.
  const rareKeys = drawReapAfterMs(seed) === undefined ? 0 : 24;
  const keys = Array.from({ length: stream.integer(1, 16) + rareKeys }, (_, index) =>
    index === 0 && stream.chance(0.3) ? stream.pick(ODD_KEYS) : `key-${index}`,
  );
  return {
    nodes,
    partitions: 16,
    n: 3,
    keys,
    clients: stream.integer(3, 16),
    sync: profile !== 'mixed' || stream.chance(0.8),
    network: {
      minDelayUs: stream.between(100, 5_000),
      meanDelayUs: 1_000 * 50 ** stream.fraction(),
      slowChance: stream.chance(0.5) ? 0.01 : 0,
      lossChance: hostile ? stream.between(0, 0.2) : 0,
      duplicateChance: hostile ? stream.between(0, 0.2) : 0,
      reorderChance: hostile ? stream.between(0, 0.3) : 0,
    },
    disk: {
      meanSyncUs: stream.between(200, 8_000),
      meanWriteUs: 100,
      meanReadUs: stream.chance(0.5) ? 0 : stream.between(50, 2_000),
      stallChance: stream.chance(0.3) ? 0.002 : 0,
      stallUs: stream.between(1, 30) * SECOND_US,
      segmentBytes: stream.pick([2_000, 20_000, 200_000]),
    },
    clocks: Array.from({ length: nodes }, () => drawClock(stream)),
    faultyUs: stream.integer(60, 120) * SECOND_US,
    maxSiblings: stream.chance(0.2) ? 4 : 64,
    repairs: drawRepairs(seed),
    readsSeeWrites: true,
    sizes: drawSizes(seed),
    limits: drawLimits(seed),
  };
}

/** So short that deletions are reaped while clients and faults go on. */
function drawReapAfterMs(seed: number): number | undefined {
  const stream = new Stream(seed, 'reaping');
  return stream.chance(0.4) ? stream.integer(200, 5_000) : undefined;
}

function drawRepairs(seed: number): RunOptions['repairs'] {
  const stream = new Stream(seed, 'repairs');
  return {
    readRepair: stream.chance(0.75),
    handoff: stream.chance(0.75),
    antiEntropy: stream.chance(0.75),
    askAllShare: new Stream(seed, 'ask-all').pick([0, 0.1, 1]),
  };
}

function drawClock(stream: Stream): ClockFaults {
  return {
    drift: stream.between(-0.000_5, 0.000_5),
    wallOffsetMs: stream.chance(0.5) ? 0 : Math.round(stream.between(-5_000, 5_000)),
    lateMs: 2,
    stallChance: stream.chance(0.5) ? 0 : 0.02,
    stallMs: stream.between(50, 500),
  };
}

function drawOperations(
  seed: number,
  options: RunOptions,
  settings: PlanSettings,
): readonly PlannedOperation[] {
  const stream = new Stream(seed, 'operations');
  const readShare = stream.between(0.2, 0.6);
  const drawnShare = stream.chance(0.5) ? 0 : stream.between(0.02, 0.2);
  const deleteShare = drawReapAfterMs(seed) === undefined ? drawnShare : 0.1 + drawnShare;
  const contextShares: readonly ContextSource[] = stream.pick([
    ['none', 'read', 'own', 'stale'],
    ['read', 'read', 'read', 'none'],
    ['none', 'none', 'own', 'read'],
    ['read', 'own', 'stale', 'stale'],
  ] as const);
  // Values longer than a frame cost more time than everything else in a run, so most runs have none.
  const sloppiness = new Stream(seed, 'sloppy');
  const sloppyShare = sloppiness.pick([0, 0.5, 0.8, 1]);
  const largeBytes = new Stream(seed, 'large').chance(0.3) ? 300_000 : 200;
  const operations: PlannedOperation[] = [];
  for (let id = 1; id <= settings.operations; id += 1) {
    const type = stream.chance(readShare) ? 'get' : stream.chance(deleteShare) ? 'delete' : 'put';
    operations.push({
      id,
      atUs: Math.floor(stream.fraction() * options.faultyUs),
      client: stream.integer(0, options.clients - 1),
      type,
      key: Math.floor(stream.fraction() ** 2 * options.keys.length),
      nodes: stream.shuffle([...Array(options.nodes).keys()]).slice(0, 3),
      ...drawQuorum(stream, options, settings.profile),
      sloppy: sloppiness.chance(sloppyShare),
      context: stream.pick(contextShares),
      // A tombstone has no value to tell whose it is: its write id does.
      hasWriteId: type === 'delete' || stream.chance(0.5),
      timeoutMs: stream.pick([200, 1_000, 2_000, 5_000]),
      bytes: stream.chance(0.01) ? largeBytes : stream.integer(0, 200),
    });
  }
  return inCrowds(seed, operations).toSorted((left, right) => left.atUs - right.atUs);
}

/** In half of the seeds some operations come in crowds: on one key, almost at once. So writes of a key wait for each other. */
function inCrowds(seed: number, operations: readonly PlannedOperation[]): readonly PlannedOperation[] {
  const stream = new Stream(seed, 'crowds');
  if (stream.chance(0.5)) return operations;
  const crowdChance = stream.between(0.02, 0.1);
  let first: PlannedOperation | undefined;
  let left = 0;
  return operations.map((operation) => {
    if (first !== undefined && left > 0) {
      left -= 1;
      return { ...operation, key: first.key, atUs: first.atUs + stream.integer(0, CROWD_US) };
    }
    if (stream.chance(crowdChance)) left = stream.integer(2, 10);
    first = operation;
    return operation;
  });
}

function drawQuorum(
  stream: Stream,
  options: RunOptions,
  profile: Profile,
): { readonly n: number; readonly r: number; readonly w: number } {
  if (profile !== 'mixed') return { n: options.n, r: 2, w: 2 };
  const n = stream.chance(0.8) ? options.n : stream.integer(1, options.nodes);
  return { n, r: stream.integer(1, n), w: stream.integer(1, n) };
}
