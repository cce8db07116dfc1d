/** What an exchange costs: nothing but one question where all is equal, and else what differs, however much is equal. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import type { SentMessage } from '../sent-message.ts';
import type { Stage } from '../stage.ts';
import {
  assertQuiet,
  entriesOf,
  exchangesOf,
  healingStage,
  putAll,
  questions,
  untilWhole,
} from './healing.ts';

describe('an exchange between equal nodes', () => {
  it('is one question and one answer', async () => {
    const stage = await healingStage(3).startAll();
    await putAll(stage, entriesOf(200), 'one', ['n1', 'n2', 'n3'], { w: 3 });
    await stage.world.runFor(5_000);
    stage.forget();
    await stage.until(() => exchangesOf(stage).length >= 12);

    const messages = stage.sent.map(({ message }) => {
      if (message.type === 'request') return `asks ${message.request.type}`;
      return message.type === 'reply' ? `answers ${message.reply.type}` : message.type;
    });
    const exchanges = exchangesOf(stage).length;
    expect(messages).toHaveLength(2 * exchanges);
    expect(messages.filter((each) => each === 'asks tree-roots')).toHaveLength(exchanges);
    expect(messages.filter((each) => each === 'answers tree-roots')).toHaveLength(exchanges);
  });

  it('takes place about every ten seconds between any two of them, each way', async () => {
    const stage = await healingStage(4).startAll();
    await stage.world.runFor(10_000);
    stage.forget();
    await stage.world.runFor(100_000);
    for (const node of ['n1', 'n2', 'n3', 'n4']) {
      for (const peer of ['n1', 'n2', 'n3', 'n4']) {
        const count = node === peer ? 0 : 10;
        expect(Math.abs(exchangesOf(stage, node, peer).length - count)).toBeLessThanOrEqual(2);
      }
    }
  });
});

/** Two nodes that have made their stores, and do not run. */
async function stoppedStage(partitions: number): Promise<Stage> {
  const stage = await healingStage(2, { partitions }).startAll();
  for (const node of ['n1', 'n2']) stage.machine(node).crash({ power: false, reason: 'killed' });
  return stage;
}

/** `npm run bench:exchange` sets it to 100,000, and prints the figures. */
const KEYS = Number(process.env['QUORATE_EXCHANGE_KEYS'] ?? 2_000);

/** A simulated disk takes what comes in its order much faster. */
function inStorageOrder(stage: Stage, entries: readonly EntryName[]): readonly EntryName[] {
  return entries
    .map((entry) => ({ entry, key: stage.storageKey(entry) }))
    .toSorted((left, right) => Buffer.compare(left.key, right.key))
    .map(({ entry }) => entry);
}

describe(`an exchange of ${KEYS} keys`, () => {
  it.each([0, 10, 1_000])(
    'of which %d differ moves bytes for these only',
    async (missing) => {
      const stage = await stoppedStage(256);
      const record = recordOf(dot('a', 1), 'x'.repeat(100), { n: 2 });
      for (const entry of inStorageOrder(stage, entriesOf(KEYS, 'same')))
        for (const node of ['n1', 'n2']) stage.placeRecord(node, entry, record);
      for (const entry of entriesOf(missing, 'more')) stage.placeRecord('n1', entry, record);
      const isBegun = ({ message }: SentMessage): boolean =>
        message.type === 'request' && message.request.type === 'tree-roots';
      stage.lose = isBegun;
      stage.world.startAll();
      await stage.world.runFor(30_000);

      stage.forget();
      stage.lose = (sent) => sent.from === 'n2' && isBegun(sent);
      let bytes = 0;
      stage.world.fabric.onDelivery = ({ frame }) => {
        bytes += frame.length;
      };
      const isDone = (): boolean => exchangesOf(stage, 'n1').some(({ result }) => result === 'done');
      await stage.until(isDone, 120_000);
      const done = exchangesOf(stage, 'n1').find(({ result }) => result === 'done');
      expect(done?.repaired).toBe(missing);
      const messages = questions(stage).filter((question) => question.startsWith('n1')).length;
      if (process.env['QUORATE_EXCHANGE_KEYS'] !== undefined)
        process.stdout.write(`${KEYS} keys, ${missing} differ: ${messages} questions, ${bytes} bytes\n`);
      // One question for all roots; of each key that differs the leaves and keys of its tree, a read and a store.
      expect(messages).toBeLessThanOrEqual(1 + 2 * Math.min(256, missing) + 2 * missing);
      expect(bytes).toBeLessThan(16_000 + 10_000 * missing);
    },
    400_000,
  );
});

describe('what differs', () => {
  /** Two nodes with so many equal records, of which n1 alone has some more. */
  async function cost(equal: number, missing: number): Promise<{ questions: number; bytes: number }> {
    const stage = await stoppedStage(16);
    const [same, more] = [entriesOf(equal, 'same'), entriesOf(missing, 'more')];
    for (const entry of same)
      for (const node of ['n1', 'n2'])
        stage.placeRecord(node, entry, recordOf(dot('a', 1), 'x'.repeat(100), { n: 2 }));
    for (const entry of more)
      stage.placeRecord('n1', entry, recordOf(dot('a', 1), 'x'.repeat(100), { n: 2 }));
    let bytes = 0;
    stage.world.fabric.onDelivery = ({ frame }) => {
      bytes += frame.length;
    };
    stage.world.startAll();
    await untilWhole(stage, [...same, ...more], 60_000);
    await stage.world.runFor(1_000);
    const asked = questions(stage).filter((question) => !question.endsWith(': tree-roots')).length;
    await assertQuiet(stage);
    return { questions: asked, bytes };
  }

  it('decides the number of questions, and what is equal does not', async () => {
    const [few, many] = [await cost(100, 10), await cost(2_000, 10)];
    // Of each record at most: the leaves and keys of its tree, a read and a store; all of it perhaps by both nodes.
    for (const { questions: asked } of [few, many]) expect(asked).toBeLessThanOrEqual(2 * 4 * 10);
    // What is told of equal keys is those in the leaf of a key that differs.
    expect(many.bytes).toBeLessThan(2 * few.bytes);
  });

  it('costs in proportion', async () => {
    const [ten, hundred] = [await cost(500, 10), await cost(500, 100)];
    expect(hundred.questions).toBeGreaterThanOrEqual(100);
    expect(hundred.questions).toBeLessThanOrEqual(2 * (2 * 100 + 2 * 16));
    expect(hundred.bytes).toBeLessThan(10 * ten.bytes);
  });

  it('is exchanged once: the next exchange finds nothing', async () => {
    const stage = await healingStage(3).startAll();
    const entries = entriesOf(30);
    await stage.crash('n3');
    await putAll(stage, entries, 'one', ['n1'], { w: 2 });
    stage.machine('n3').start();
    await untilWhole(stage, entries);
    await assertQuiet(stage);
  });

  it('is counted as often as somebody took something', async () => {
    const stage = await healingStage(3).startAll();
    const entries = entriesOf(30);
    await stage.crash('n3');
    await putAll(stage, entries, 'one', ['n1'], { w: 2 });
    stage.forget();
    stage.machine('n3').start();
    await untilWhole(stage, entries);
    await stage.world.runFor(2_000);
    const repaired = stage.traced('exchange').reduce((sum, { event }) => sum + event.repaired, 0);
    const stored = stage.requests('store').length;
    // n3 takes each record once. Whoever offers it again is told that it is there, which counts for nothing at its own side.
    expect(stage.written.filter(({ node }) => node === 'n3')).toHaveLength(30);
    expect(repaired).toBeGreaterThanOrEqual(30);
    expect(repaired).toBeLessThanOrEqual(30 + stored);
  });

  it.each([
    ['here', 'n2', 'n1'],
    ['there', 'n1', 'n2'],
  ])(
    'in trees that are larger than a page, because much is missing %s, is found in one go, and nothing else',
    async (_, holder, other) => {
      const stage = await stoppedStage(8);
      // Two partitions, of about 1,250 records each; of those, some are equal.
      const entries = entriesOf(10_000).filter((entry) => (stage.storageKey(entry)[2] ?? 0) < 2);
      const isMissing = (index: number): boolean => index % 5 > 1;
      const record = recordOf(dot('a', 1), 'x', { n: 2 });
      for (const [index, entry] of entries.entries()) {
        stage.placeRecord(holder, entry, record);
        if (!isMissing(index)) stage.placeRecord(other, entry, record);
      }
      stage.forget();
      // What n2 begins by itself comes to nothing.
      stage.lose = ({ from, message }) =>
        from === 'n2' && message.type === 'request' && message.request.type === 'tree-roots';
      stage.world.startAll();
      await stage.until(() => exchangesOf(stage, 'n1').some(({ differing }) => differing > 0));

      const missing = entries.filter((_entry, index) => isMissing(index)).length;
      const [exchange] = exchangesOf(stage, 'n1').filter(({ differing }) => differing > 0);
      expect(exchange).toMatchObject({ result: 'done', differing: 2, repaired: missing });
      expect(stage.requests('read', 'n1')).toHaveLength(missing);
    },
  );
});
