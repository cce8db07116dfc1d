/** When exchanges take place, whom they leave out, and what ends them. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { EXCHANGE_LIMIT_MS, EXCHANGE_TIMEOUT_MS } from '../../../src/core/limits.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { ScriptedPeer } from '../peers/scripted-peer.ts';
import { startProcess } from '../process.ts';
import { getOf } from '../requests.ts';
import type { Stage } from '../stage.ts';
import {
  assertQuiet,
  entriesOf,
  type ExchangeEvent,
  exchangesOf,
  healingStage,
  putAll,
  questions,
  untilWhole,
} from './healing.ts';

/** n1 and n3 are real; n2 is scripted, and answers the roots that it is asked for with none. */
async function stageWithScripted(nodes: number): Promise<{ stage: Stage; peer: ScriptedPeer }> {
  const stage = healingStage(nodes);
  const real = [...stage.world.nodes.keys()].filter((node) => node !== 'n2');
  for (const node of real) stage.machine(node).start();
  const peer = await new ScriptedPeer(stage, 'n2').listen();
  await stage.until(() =>
    real.every(
      (node) =>
        stage.machine(node).isUp &&
        stage
          .node(node)
          .members()
          .every(({ state }) => state !== 'down'),
    ),
  );
  return { stage, peer };
}

/** n1 has many records that n2 and n3 do not have; nothing runs. */
async function stageWithWork(records: number): Promise<{ stage: Stage; entries: readonly EntryName[] }> {
  const stage = await healingStage(3).startAll();
  for (const node of ['n1', 'n2', 'n3']) stage.machine(node).crash({ power: false, reason: 'killed' });
  const entries = entriesOf(records);
  for (const entry of entries) stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'one'));
  stage.forget();
  return { stage, entries };
}

describe('a node that closes', () => {
  it('ends its exchange, asks nothing more, writes nothing more, and leaves no timer', async () => {
    const { stage, entries } = await stageWithWork(2_000);
    stage.world.startAll();
    // In the middle of it.
    await stage.until(() => stage.written.filter(({ node }) => node === 'n2').length > 300);
    const { life } = stage.machine('n2');
    const node = stage.node('n2');
    await stage.run(node.close(1_000));
    expect(life?.timers).toBe(0);

    const held = stage.disk('n2').sortedKeys().length;
    stage.forget();
    await stage.world.runFor(60_000);
    expect(questions(stage).filter((question) => question.startsWith('n2'))).toEqual([]);
    expect(stage.written.filter((written) => written.node === 'n2')).toEqual([]);
    expect(stage.disk('n2').sortedKeys()).toHaveLength(held);
    expect(held).toBeLessThan(entries.length);
    expect(life?.timers).toBe(0);
    // A closed store is no damaged one.
    expect(stage.traced('unreadable-record')).toEqual([]);
    expect(stage.traced('storage-failed')).toEqual([]);
    expect(stage.bugs).toEqual([]);

    stage.machine('n2').crash({ power: false, reason: 'ended' });
    stage.machine('n2').start();
    await untilWhole(stage, entries, 60_000);
  });

  it('leaves no timer behind where nothing was going on, either', async () => {
    const stage = await healingStage(3).startAll();
    await stage.world.runFor(20_000);
    const { life } = stage.machine('n2');
    await stage.run(stage.node('n2').close(1_000));
    expect(life?.timers).toBe(0);
  });

  it('ends the building of its trees, which is no complaint about its disk', async () => {
    const { stage } = await stageWithWork(2_000);
    stage.slowDisk('n1', 'read', 30);
    stage.machine('n1').start();
    await stage.until(() => stage.machine('n1').isUp);
    const disk = stage.disk('n1');
    const sortedKeys = disk.sortedKeys.bind(disk);
    let isListing = false;
    disk.sortedKeys = () => {
      isListing = true;
      return sortedKeys();
    };
    await stage.until(() => isListing);
    await stage.run(stage.node('n1').close(1_000));
    await stage.world.runFor(5_000);
    expect(stage.traces.filter(({ event }) => event.type !== 'peer-down')).toEqual([]);
    expect(stage.machine('n1').life?.timers).toBe(0);
  });

  it('does not wait for a peer that does not answer', async () => {
    const { stage } = await stageWithWork(50);
    stage.world.startAll();
    await stage.until(() => exchangesOf(stage, 'n1').length > 0);
    stage.mute('n2');
    stage.mute('n3');
    stage.forget();
    await stage.until(() => questions(stage).some((question) => question.startsWith('n1 asks')));
    const beganMs = stage.nowMs;
    await stage.run(stage.node('n1').close(1_000));
    expect(stage.nowMs - beganMs).toBeLessThan(100);
    expect(stage.machine('n1').life?.timers).toBe(0);
  });
});

describe('a node whose disk fails in the middle of an exchange', () => {
  it('ends, and is repaired by the next exchanges after its start', async () => {
    const { stage, entries } = await stageWithWork(500);
    stage.world.startAll();
    await stage.until(() => stage.written.filter(({ node }) => node === 'n2').length > 100);
    stage.disk('n2').writeFault = 'fail';
    await stage.until(() => stage.deaths.some(({ node }) => node === 'n2'));
    await stage.world.runFor(5_000);
    stage.disk('n2').writeFault = 'none';
    stage.machine('n2').start();
    await untilWhole(stage, entries, 30_000);
    expect(stage.bugs).toEqual([]);
    await assertQuiet(stage);
  });

  it('breaks the exchange, and repairs nothing more, where its process lives on', async () => {
    const { stage } = await stageWithWork(500);
    for (const node of ['n1', 'n3']) stage.machine(node).start();
    const { fatal, end } = await startProcess(stage, 'n2');
    await stage.until(() => stage.written.filter(({ node }) => node === 'n2').length > 100);
    stage.disk('n2').writeFault = 'fail';
    await stage.until(() => fatal.length > 0);
    await stage.world.runFor(1_000);
    stage.forget();
    await stage.world.runFor(30_000);
    expect(stage.written.filter(({ node }) => node === 'n2')).toEqual([]);
    end();
  });
});

describe('a peer that cannot be exchanged with', () => {
  it('because it is down, is left out, and the others go on', async () => {
    const { stage, entries } = await stageWithWork(50);
    for (const node of ['n1', 'n3']) stage.machine(node).start();
    await stage.until(() => entries.every((entry) => stage.textsOn('n3', entry).length === 1), 10_000);
    await stage.world.runFor(60_000);
    expect(exchangesOf(stage, 'n1', 'n2')).toEqual([]);
    expect(exchangesOf(stage, 'n1', 'n3').length).toBeGreaterThan(5);
  });

  it('because it refuses, is asked again later, and the others go on', async () => {
    const { stage, peer } = await stageWithScripted(4);
    for (const connection of peer.inbound) {
      connection.onRequest = (id) => {
        connection.reply(id, { type: 'request-refused', reason: 'not today' });
      };
    }
    await stage.world.runFor(60_000);
    for (const other of ['n3', 'n4'])
      expect(
        exchangesOf(stage, 'n1', other).filter(({ result }) => result === 'done').length,
      ).toBeGreaterThan(3);
    const refused = exchangesOf(stage, 'n1', 'n2');
    expect(refused.length).toBeGreaterThan(3);
    for (const event of refused)
      expect(event).toMatchObject({ result: 'broken', reason: 'not today', repaired: 0 });
  });

  it('because it answers nothing of this, is given up each time, and the others go on', async () => {
    const { stage, peer } = await stageWithScripted(4);
    // Signs of life it gives.
    for (const connection of peer.inbound) {
      connection.onRequest = (id, request) => {
        if (request.type === 'ping') connection.reply(id, request);
      };
    }
    await stage.world.runFor(120_000);
    const exchanges = exchangesOf(stage, 'n1', 'n2');
    expect(exchanges.length).toBeGreaterThan(2);
    for (const { result, ms } of exchanges) {
      expect(result).toBe('broken');
      expect(ms).toBeLessThan(EXCHANGE_TIMEOUT_MS + 100);
    }
    expect(exchangesOf(stage, 'n1', 'n3').length).toBeGreaterThan(3);
  });

  it('because it hears but is not heard, breaks the exchange, and is repaired when that has ended', async () => {
    const { stage, entries } = await stageWithWork(300);
    stage.world.startAll();
    await stage.until(() => stage.written.some(({ node }) => node === 'n2'));
    stage.cut('n2', 'n1');
    stage.cut('n2', 'n3');
    await stage.world.runFor(60_000);
    expect(exchangesOf(stage, 'n1', 'n3').length).toBeGreaterThan(3);
    stage.world.fabric.healAll();
    await untilWhole(stage, entries, 20_000);
    await assertQuiet(stage);
  });
});

describe('a peer that goes and comes all the time', () => {
  it('keeps nobody else waiting', async () => {
    const { stage, peer } = await stageWithScripted(4);
    stage.forget();
    for (let round = 0; round < 300; round += 1) {
      await stage.world.runFor(100);
      for (const { connection } of peer.inbound.splice(0)) connection?.close('gone');
      await stage.world.runFor(100);
      // Whoever hears of it dials it at once.
      for (const node of ['n1', 'n3', 'n4']) {
        const heard = await peer.connect(node);
        heard.connection?.close('gone');
      }
    }
    expect(stage.traced('peer-up').filter(({ node }) => node === 'n1').length).toBeGreaterThan(100);
    for (const other of ['n3', 'n4'])
      expect(
        exchangesOf(stage, 'n1', other).filter(({ result }) => result === 'done').length,
      ).toBeGreaterThan(5);
  });
});

describe('a node whose trees are never all built', () => {
  it('exchanges what it has built, and so do the others', async () => {
    const { stage, entries } = await stageWithWork(300);
    const disk = stage.disk('n2');
    const sortedKeys = disk.sortedKeys.bind(disk);
    let ranges = 0;
    // Each range over a partition is one call; the first of a process looks at whether the store is empty.
    disk.sortedKeys = () => {
      ranges += 1;
      if (ranges === 5) throw new Error('Input/output error');
      return sortedKeys();
    };
    stage.world.startAll();
    await stage.world.runFor(20_000);
    expect(stage.traced('trees-not-built')).toHaveLength(1);
    const [failed] = stage.traced('trees-not-built');
    const partitionOf = (entry: EntryName): number => Buffer.from(stage.storageKey(entry)).readUInt16BE(1);
    const isHeld = (entry: EntryName): boolean => stage.textsOn('n2', entry).length === 1;
    const spared = entries.filter((entry) => partitionOf(entry) === failed?.event.partition);
    expect(spared.length).toBeGreaterThan(0);
    expect(entries.filter((entry) => !isHeld(entry))).toEqual(spared);
    // A while later it can be read.
    await untilWhole(stage, entries, 90_000);
  });
});

describe('an exchange that takes long', () => {
  it('makes room for others, and goes on where it stopped', async () => {
    const stage = await healingStage(3).startAll();
    for (const node of ['n1', 'n2', 'n3']) stage.machine(node).crash({ power: false, reason: 'killed' });
    const entries = entriesOf(400);
    for (const entry of entries) stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'one'));
    stage.slowDisk('n2', 'sync', 2_000);
    stage.forget();
    stage.world.startAll();
    const withN2 = (): readonly ExchangeEvent[] => exchangesOf(stage, 'n1', 'n2');
    await stage.until(() => withN2().some(({ result }) => result === 'continued'), 90_000);
    const [endedMs, count] = [stage.nowMs, withN2().length];
    await stage.until(() => withN2().length > count);
    // It is not left until its turn comes, and it does not keep n3 waiting.
    expect(stage.nowMs - (withN2()[count]?.ms ?? 0) - endedMs).toBeLessThan(5_000);
    for (const { event } of stage.traced('exchange'))
      expect(event.ms).toBeLessThan(EXCHANGE_LIMIT_MS + 5_000);
    await untilWhole(stage, entries, 600_000);
    expect(exchangesOf(stage, 'n1', 'n3').length).toBeGreaterThan(1);
  });
});

describe('repair', () => {
  async function healingMs(isBusy: boolean): Promise<number> {
    const { stage, entries } = await stageWithWork(400);
    for (const node of ['n1', 'n2']) stage.machine(node).start();
    await stage.until(() => stage.machine('n1').isUp && stage.machine('n2').isUp);
    const other = stage.entryAt('n3');
    // Operations that wait for n3, which hangs.
    const peer = await new ScriptedPeer(stage, 'n3').listen();
    await peer.accepted();
    const reaches = (node: string): boolean =>
      stage
        .node(node)
        .members()
        .some((member) => member.node === 'n3' && member.state === 'up');
    await stage.until(() => reaches('n1') && reaches('n2'));
    if (isBusy) {
      for (const node of ['n1', 'n2']) {
        for (let index = 0; index < 500; index += 1)
          void stage.node(node).get(getOf(other, { n: 3, r: 3, timeoutMs: 60_000 }));
      }
    }
    const beganMs = stage.nowMs;
    await stage.until(() => entries.every((entry) => stage.textsOn('n2', entry).length === 1));
    return stage.nowMs - beganMs;
  }

  it('slows down while clients wait', async () => {
    expect(await healingMs(true)).toBeGreaterThan(2 * (await healingMs(false)));
  });
});

describe('what clients do', () => {
  it('is repaired while it goes on: writes during an exchange are not lost, nor held up', async () => {
    const { stage, entries } = await stageWithWork(300);
    stage.world.startAll();
    await stage.until(() => stage.written.some(({ node }) => node === 'n2'));
    await putAll(stage, entries, 'two', ['n1', 'n2', 'n3']);
    await untilWhole(stage, entries);
    for (const entry of entries) expect(stage.textsOn('n2', entry).toSorted()).toEqual(['one', 'two']);
    await assertQuiet(stage);
  });
});
