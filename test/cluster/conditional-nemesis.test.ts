/**
 * Conditional and plain writes, deletions among them, on real nodes that are killed and stopped all the while, one after the other,
 * while links between them break and their clocks jump: what clients were told of each key is linearizable, and where nothing is
 * deleted, its versions are one chain. `QUORATE_NEMESIS_SECONDS` makes it longer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededDraw } from '../core/causality/seeded-draw.ts';
import { isDeletion } from '../sim/linearizability/object-history.ts';
import { ConditionalKey, ConditionalLoad } from './conditional-load.ts';
import { type FalseClocks, falseClocks } from './false-clocks.ts';
import { FaultPlan, LONG_PAUSE_MS } from './nemesis/fault-plan.ts';
import { breakLinks } from './nemesis/link-faults.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const SECONDS = Number(process.env['QUORATE_NEMESIS_SECONDS'] ?? 8);
const CLIENTS = 8;
/** Keys are in use for so long: no key has so many operations that it cannot be judged. */
const KEYS_MS = 10_000;
/** Of so many pauses one is longer than anybody waits, where a run is long enough for that. */
const PAUSES_PER_LONG_ONE = 6;
const HAS_LONG_PAUSES = SECONDS * 1_000 >= 5 * LONG_PAUSE_MS;

/** By which clocks are wrong, seconds: of some that nobody notices, and of some whose ballots are refused, or outdo all others. */
const CLOCK_OFFSETS = [-7_200, -90, -5, 2, 45, 1_800];

let cluster: ProcessCluster;
/** Undefined where clocks cannot be falsified. */
let clocks: FalseClocks | undefined;
let placed: PlacedKeys;
/** In use. */
let keys: readonly ConditionalKey[];
/** Those that are in use, and all before. */
const all: ConditionalKey[] = [];
const over = new AbortController();
beforeAll(async () => {
  clocks = await falseClocks();
  cluster = await startProcessCluster({
    ...{ nodes: 5, links: true, config: { buckets: { accounts: { mode: 'cas' } } } },
    environment: (node) => clocks?.environmentOf(node) ?? {},
  });
  placed = await PlacedKeys.of(cluster);
  moveOn();
});
afterAll(async () => {
  await cluster?.close();
  await clocks?.close();
});

function moveOn(): void {
  keys = [
    new ConditionalKey(placed.draw('accounts').target, 'chain'),
    new ConditionalKey(placed.draw('accounts').target, 'deleted'),
    new ConditionalKey(placed.draw('mixed').target, 'deleted'),
    new ConditionalKey(placed.draw('mixed').target, 'shared'),
  ];
  all.push(...keys);
}

function drawn<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)] as Item;
}

async function work(load: ConditionalLoad): Promise<void> {
  while (!over.signal.aborted) await load.operate(drawn(keys));
}

async function breakNodes(): Promise<void> {
  let pauses = 0;
  while (!over.signal.aborted) {
    await sleep(500 + Math.random() * 1_000);
    const node = drawn(cluster.nodes);
    const isKilled = Math.random() < 0.5;
    if (isKilled) await cluster.kill9(node);
    else cluster.stop(node);
    pauses += isKilled ? 0 : 1;
    const isLong = !isKilled && HAS_LONG_PAUSES && pauses % PAUSES_PER_LONG_ONE === 0;
    await sleep(isLong ? LONG_PAUSE_MS : 300 + Math.random() * 1_500);
    if (isKilled) cluster.start(node);
    else cluster.cont(node);
    await cluster.waitReady();
  }
}

/** For some seconds at a time, and whole for as long: with two kinds of faults at once a key has no quorum for most of the time. */
async function breakSomeLinks(): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const options = { nodes: cluster.nodes, smallDiskNode: undefined, canFailWrites: false };
  const plan = new FaultPlan(options, seededDraw(seed));
  while (!over.signal.aborted) {
    for (const fault of plan.next().links) {
      if (over.signal.aborted) return;
      await breakLinks(cluster, fault);
      await sleep(fault.forMs);
    }
  }
}

async function falsifyClocks(falsified: FalseClocks): Promise<void> {
  while (!over.signal.aborted) {
    const node = drawn(cluster.nodes);
    falsified.set(node, drawn(CLOCK_OFFSETS));
    await sleep(2_000 + Math.random() * 4_000);
    falsified.set(node, 0);
    await sleep(Math.random() * 2_000);
  }
}

it('keeps each key linearizable', { timeout: SECONDS * 1_000 + 120_000 }, async () => {
  const load = new ConditionalLoad(cluster);
  const moving = setInterval(moveOn, KEYS_MS);
  const faults = [breakNodes(), breakSomeLinks(), ...(clocks === undefined ? [] : [falsifyClocks(clocks)])];
  const working = Promise.all([...faults, ...Array.from({ length: CLIENTS }, () => work(load))]);
  try {
    await Promise.race([working, sleep(SECONDS * 1_000)]);
    await Promise.race([working, cluster.eventually('enough was tried', async () => expectTried())]);
  } finally {
    over.abort();
    clearInterval(moving);
  }
  await working;
  await cluster.eventually('all keys can be read', async () => {
    for (const key of all) expect(await load.read(key)).toBe(true);
  });
  const startMs = performance.now();
  for (const key of all) {
    const wrong = key.judge();
    if (wrong.length > 0) process.stdout.write(`${key.record.lines}\n`);
    expect(wrong, `${key.kind} ${key.target}`).toEqual([]);
  }
  process.stdout.write(
    `${all.map(({ kind, record }) => `${kind} ${record.length}`).join(', ')}: judged in ${Math.round(performance.now() - startMs)} ms\n`,
  );
});

/** Else it was no trial. */
function expectTried(): void {
  for (const kind of ['chain', 'deleted', 'shared'] as const) {
    const records = all.filter((key) => key.kind === kind).map(({ record }) => record);
    const sum = (count: (record: (typeof records)[number]) => number): number =>
      records.reduce((total, record) => total + count(record), 0);
    expect(sum((record) => record.count('replace') + record.count('create'))).toBeGreaterThan(SECONDS / 4);
    if (kind === 'shared') expect(sum((record) => record.count('plain'))).toBeGreaterThan(SECONDS / 8);
    if (kind !== 'chain') expect(sum((record) => record.count('replace', isDeletion))).toBeGreaterThan(0);
  }
}
