/** Hand-made histories of compare-and-set, guilty and innocent ones. The checker itself is proven in test/sim/linearizability. */
import { describe, expect, it } from 'vitest';
import { RegisterRecord } from '../../../../bench/experiments/judging/register-record.ts';

describe('the record of conditional updates', () => {
  it('finds nothing in updates one after the other, nor in a refused round that shows what came between', () => {
    const record = new RegisterRecord();
    const slow = record.begin('key');
    slow.shown([], 'linearizable');
    const quick = record.begin('key');
    quick.shown([], 'linearizable');
    quick.wrote('a', 'ok');
    slow.shown(['a'], 'linearizable');
    slow.wrote('b', 'ok');
    const last = record.begin('key');
    last.shown(['a', 'b'], 'linearizable');
    expect(record.violations()).toEqual([]);
  });

  it('finds two winners', () => {
    const record = new RegisterRecord();
    for (const id of ['a', 'b']) {
      const update = record.begin('key');
      update.shown([], 'plain');
      update.wrote(id, 'ok');
    }
    expect(record.violations()).toEqual([expect.stringContaining('two-winners: key')]);
  });

  it('finds a linearizable read that is stale', () => {
    const record = new RegisterRecord();
    const first = record.begin('key');
    first.shown([], 'linearizable');
    first.wrote('a', 'ok');
    record.begin('key').shown([], 'linearizable');
    expect(record.violations()).toEqual([expect.stringContaining('not-linearizable: key')]);
  });

  it('lets a plain read be stale', () => {
    const record = new RegisterRecord();
    const first = record.begin('key');
    first.shown([], 'linearizable');
    first.wrote('a', 'ok');
    const second = record.begin('key');
    second.shown([], 'plain');
    second.shown(['a'], 'linearizable');
    second.wrote('b', 'ok');
    expect(record.violations()).toEqual([]);
  });

  it('lets an unknown update be seen late or never, and finds one that is seen and gone again', () => {
    const record = new RegisterRecord();
    const lost = record.begin('key');
    lost.shown([], 'linearizable');
    lost.wrote('a', 'unknown');
    record.begin('key').shown([], 'linearizable');
    record.begin('key').shown(['a'], 'linearizable');
    expect(record.violations()).toEqual([]);
    record.begin('key').shown([], 'linearizable');
    expect(record.violations()).toHaveLength(1);
  });

  it('keeps keys apart', () => {
    const record = new RegisterRecord();
    for (const key of ['one', 'other']) {
      const update = record.begin(key);
      update.shown([], 'linearizable');
      update.wrote('a', 'ok');
    }
    expect(record.violations()).toEqual([]);
  });
});
