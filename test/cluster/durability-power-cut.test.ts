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

const CYCLES = Number(process.env['QUORATE_POWER_CUTS'] ?? 10);
const TIME_LIMIT_MS = 60_000 + CYCLES * 15_000;
/** The least that LevelDB takes. */
const WRITE_BUFFER_BYTES = 64 * 1024;
/** Until the power fails. */
const MAX_LOAD_MS = 700;

const skipped = await whyNoSyncObserver();

let cluster: ProcessCluster;
let observer: SyncObserver | undefined;
let durable: Map<string, DurableSizes>;
let draw: Draw;
let tables: number;
let lostBytes: number;
afterEach(async () => {
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
  return new RandomLoad({ cluster, run, clients: 8, draw, keys: 8, maxBytes: 3_000, pauseMs: 2 });
}

/** Waits for a random moment, and lets the power fail. Afterwards all nodes are up again. The load never ceases. */
async function cycle(load: RandomLoad): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100 + draw(MAX_LOAD_MS)));
  await cluster.kill9(...cluster.nodes);
  await cutAll();
  for (let keys = 0; keys < 3; keys += 1) load.moveOn();
  cluster.start(...cluster.nodes);
  await cluster.waitReady();
}

async function cutAll(): Promise<void> {
  const syncs = (await observer?.syncs()) ?? [];
  tables += new Set(syncs.map(({ path }) => path).filter((path) => path.endsWith('.ldb'))).size;
  for (const node of cluster.nodes) {
    const directory = join(cluster.dataDirectory, node);
    const cut = await cutPower({ directory, syncs, durable: durable.get(node) ?? new Map(), draw });
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
    const load = startLoad(run);
    for (let turn = 0; turn < CYCLES; turn += 1) await cycle(load);
    await load.stop();
    const finals = await finalState(cluster, run);
    process.stdout.write(
      `${CYCLES} power cuts, seed ${seed}: ${lostBytes} bytes cut off, ${tables} tables written, ${run.summary}\n`,
    );
    expect(judgeRun(run, finals)).toEqual([]);
    await expectSoundStores(cluster);
    // Below that, the load has not been one.
    const acknowledged = [...run.writes.values()].filter(({ outcome }) => outcome === 'ok');
    expect(acknowledged.length).toBeGreaterThan(20 * CYCLES);
    // Else neither rotation nor compaction was put to the test.
    expect(tables).toBeGreaterThan(CYCLES);
  });

  it('loses acknowledged writes with fsync off', { timeout: TIME_LIMIT_MS }, async () => {
    await startObserved(false);
    const lost: Violation[] = [];
    for (let turn = 0; turn < 4 && lost.length === 0; turn += 1) {
      const run = new RecordedRun(`cut-${turn}`);
      const load = startLoad(run);
      await cycle(load);
      await load.stop();
      lost.push(...lostIn(judgeRun(run, await finalState(cluster, run))));
    }
    expect(lost.length).toBeGreaterThan(0);
  });
});
