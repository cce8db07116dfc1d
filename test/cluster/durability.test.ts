/**
 * kill -9 of any process at any time: under a load of reads, writes and deletions with and without contexts, the nodes are
 * killed one after the other, two at once, while they start, and at the end all together. Whatever was acknowledged is there or
 * was superseded by somebody who had seen it, through every node.
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededDraw } from '../core/causality/seeded-draw.ts';
import { expectSoundStores, finalState } from './final-state.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { RandomLoad } from './random-load.ts';
import { RecordedRun } from './recorded-run.ts';
import { judgeRun } from './run-judgement.ts';

/** How often each node is killed at least; as often as there is time, unless it is said how often. */
const ASKED_ROUNDS = process.env['QUORATE_KILL_ROUNDS'];
const LEAST_ROUNDS = Number(ASKED_ROUNDS ?? 2);
const TIME_MS = ASKED_ROUNDS === undefined ? 12_000 : 0;
const TIME_LIMIT_MS = 120_000 + LEAST_ROUNDS * 90_000;

let cluster: ProcessCluster;
let load: RandomLoad | undefined;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5 });
});
afterAll(async () => {
  await load?.stop();
  await cluster?.close();
});

it('kill -9 of any node at any time loses nothing that was acknowledged', {
  timeout: TIME_LIMIT_MS,
}, async () => {
  const seed = Number(process.env['QUORATE_SEED'] ?? randomInt(2 ** 31));
  const draw = seededDraw(seed);
  const run = new RecordedRun('killed');
  load = new RandomLoad({ cluster, run, clients: 6, draw, keys: 6, maxBytes: 200, pauseMs: 4 });
  const within = (limitMs: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, draw(limitMs)));
  let kills = 0;
  const kill = async (...nodes: readonly string[]): Promise<void> => {
    await cluster.kill9(...nodes);
    kills += nodes.length;
    load?.moveOn();
  };
  const startMs = performance.now();
  const isMoreToDo = (turn: number): boolean =>
    turn < LEAST_ROUNDS * cluster.nodes.length || performance.now() - startMs < TIME_MS;
  for (let turn = 0; isMoreToDo(turn); turn += 1) {
    const node = cluster.nodes[turn % cluster.nodes.length] as string;
    const other = cluster.nodes[(turn + 1 + draw(4)) % cluster.nodes.length] as string;
    await within(400);
    await kill(...(draw(4) === 0 ? [node, other] : [node]));
    await within(400);
    if (draw(3) === 0) {
      cluster.start(node);
      await within(600);
      await kill(node);
    }
    cluster.start(...cluster.nodes.filter((each) => !cluster.isRunning(each)));
    await cluster.waitReady();
  }
  await within(400);
  await kill(...cluster.nodes);
  await load.stop();
  cluster.start(...cluster.nodes);
  await cluster.waitReady();
  const finals = await finalState(cluster, run);
  process.stdout.write(`kill -9, seed ${seed}: ${kills} kills, ${run.summary}\n`);
  expect(judgeRun(run, finals)).toEqual([]);
  await expectSoundStores(cluster);
  // Below that, the load has not been one.
  expect(run.count('ok')).toBeGreaterThan(300);
});
