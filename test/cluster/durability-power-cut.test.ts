/**
 * The power of all machines fails at once, again and again: every node is killed, and of its files only what was synced is
 * left, with a random part of the rest. Whatever was acknowledged is there when the nodes are back, for every W. The write
 * buffer is so small that logs are rotated, tables written and compacted all the time.
 *
 * With fsync off the same procedure loses acknowledged writes: the test is able to fail.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { seededDraw } from '../core/causality/seeded-draw.ts';
import type { Violation } from '../sim/checkers/history.ts';
import { expectSoundStores, finalState } from './final-state.ts';
import { cutPower, type DurableSizes } from './power-cut.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { type Draw, RandomLoad } from './random-load.ts';
import { RecordedRun } from './recorded-run.ts';
import { judgeRun } from './run-judgement.ts';
import { SyncObserver, whyNoSyncObserver } from './sync-observer.ts';

/** How often at least; as often as there is time, unless it is said how often. */
const ASKED_CUTS = process.env['QUORATE_POWER_CUTS'];
const LEAST_CUTS = Number(ASKED_CUTS ?? 6);
const TIME_MS = ASKED_CUTS === undefined ? 12_000 : 0;
const TIME_LIMIT_MS = 120_000 + LEAST_CUTS * 15_000;
/** The least that LevelDB takes. */
const WRITE_BUFFER_BYTES = 64 * 1024;
/** Until the power fails. */
const MAX_LOAD_MS = 600;
/** One loses nothing only if some node has just written a table. */
const MAX_CUTS_TO_LOSE = 20;
/** Leaves of what was not synced nothing at all. */
const harshly: Draw = () => 0;

const skipped = await whyNoSyncObserver();

let cluster: ProcessCluster;
let observer: SyncObserver | undefined;
let load: RandomLoad | undefined;
let durable: Map<string, DurableSizes>;
let draw: Draw;
let tables: number;
let lostBytes: number;
afterEach(async () => {
  await load?.stop();
  await cluster?.close();
  await observer?.close();
});

async function startObserved(fsync: boolean): Promise<number> {
  const seed = Number(process.env['QUORATE_SEED'] ?? randomInt(2 ** 31));
  draw = seededDraw(seed);
  durable = new Map();
  [tables, lostBytes] = [0, 0];
  observer = await SyncObserver.create();
  cluster = await startProcessCluster({
    nodes: 3,
    environment: observer.environment,
    config: { storage: { fsync, writeBufferBytes: WRITE_BUFFER_BYTES } },
  });
  return seed;
}

function startLoad(run: RecordedRun): RandomLoad {
  load = new RandomLoad({ cluster, run, clients: 8, draw, keys: 8, maxBytes: 3_000, pauseMs: 2 });
  return load;
}

/** Lets the power fail, at a random moment after so many acknowledgements. Then all nodes are up again. The load never ceases. */
async function cycle(clients: RandomLoad, run: RecordedRun): Promise<void> {
  await untilAcknowledged(run, 10);
  await cluster.kill9(...cluster.nodes);
  await cutAll(draw);
  for (let keys = 0; keys < 3; keys += 1) clients.moveOn();
  await startAll();
}

async function untilAcknowledged(run: RecordedRun, least: number): Promise<void> {
  const goal = run.count('ok') + least;
  await cluster.eventually('writes are acknowledged', async () => {
    expect(run.count('ok')).toBeGreaterThanOrEqual(goal);
  });
  await new Promise((resolve) => setTimeout(resolve, draw(MAX_LOAD_MS)));
}

async function startAll(): Promise<void> {
  cluster.start(...cluster.nodes);
  await cluster.waitReady();
}

async function cutAll(chance: Draw): Promise<void> {
  const syncs = (await observer?.syncs()) ?? [];
  tables += new Set(syncs.map(({ path }) => path).filter((path) => path.endsWith('.ldb'))).size;
  for (const node of cluster.nodes) {
    const directory = join(cluster.dataDirectory, node);
    const cut = await cutPower({
      ...{ directory, syncs, durable: durable.get(node) ?? new Map() },
      draw: chance,
    });
    durable.set(node, cut.durable);
    lostBytes += cut.lostBytes;
  }
  await observer?.forget();
}

function lostIn(violations: readonly Violation[]): readonly Violation[] {
  return violations.filter(({ invariant }) => invariant === 'acknowledged-write-lost');
}

describe.skipIf(skipped !== undefined)(`a power cut${skipped === undefined ? '' : `: ${skipped}`}`, () => {
  it('of all nodes at once loses nothing that was acknowledged', { timeout: TIME_LIMIT_MS }, async () => {
    const seed = await startObserved(true);
    const run = new RecordedRun('cut');
    const clients = startLoad(run);
    const startMs = performance.now();
    let cuts = 0;
    while (cuts < LEAST_CUTS || performance.now() - startMs < TIME_MS) {
      await cycle(clients, run);
      cuts += 1;
    }
    await clients.stop();
    const finals = await finalState(cluster, run);
    process.stdout.write(
      `${cuts} power cuts, seed ${seed}: ${lostBytes} bytes cut off, ${tables} tables written, ${run.summary}\n`,
    );
    expect(judgeRun(run, finals)).toEqual([]);
    await expectSoundStores(cluster);
    // Else neither rotation nor compaction was put to the test.
    expect(tables).toBeGreaterThan(cuts);
  });

  it('loses acknowledged writes with fsync off', { timeout: TIME_LIMIT_MS }, async () => {
    await startObserved(false);
    const lost: Violation[] = [];
    for (let turn = 0; turn < MAX_CUTS_TO_LOSE && lost.length === 0; turn += 1) {
      const run = new RecordedRun(`cut-${turn}`);
      const clients = startLoad(run);
      await untilAcknowledged(run, 40);
      await cluster.kill9(...cluster.nodes);
      // Nobody writes anew, with the context of what is gone, what would stand for it.
      await clients.stop();
      await cutAll(harshly);
      await startAll();
      lost.push(...lostIn(judgeRun(run, await finalState(cluster, run))));
    }
    expect(lost.length).toBeGreaterThan(0);
  });
});
