/** What is said of the targets with a great many connections, and who is connected. */
import { describe, expect, it } from 'vitest';
import { crowdsOf, slowReaders } from '../../../bench/many-connections/crowds.ts';
import { answerOf, verdictOn } from '../../../bench/many-connections/judgement.ts';
import { bystandersTable, memoryTable, sharesTable } from '../../../bench/many-connections/section.ts';

const SHARES = [
  { title: 'PUT', samples: [0.9, 0.95, 1.3] },
  { title: 'GET', samples: [1.02] },
];

describe('the crowds', () => {
  it('have so many connections in all', () => {
    const [alone, ...others] = crowdsOf(64, 1_000);
    expect(alone).toMatchObject({ busy: 64, idle: 0, slow: 0 });
    expect(others.map(({ busy, idle, slow }) => [busy, idle, slow])).toEqual([
      [64, 926, 10],
      [990, 0, 10],
    ]);
  });

  it('read values of each size at each pace', () => {
    const readers = slowReaders(10);
    expect(new Set(readers.map(({ path, pace }) => `${path} ${pace.type}`)).size).toBe(6);
    expect(readers[0]?.path).toBe('/v1/kv/bench/stored102400-00000000');
  });
});

describe('the answer with many connections', () => {
  it('names the medians, what they mean, and the largest memory', () => {
    expect(answerOf([{ title: '64 busy, 926 idle', shares: SHARES }], 64, [100e6, 250e6])).toBe(
      'Of the rate with 64 connections alone there were, with 64 busy, 926 idle: 95 % (PUT), 102 % (GET) (met), ' +
        'where 90 % to 110 % is the target; a node takes up to 250 MB (target: bounded, less than 400 MB, met).',
    );
  });

  it.each([
    [[0.9, 1.1], 'met'],
    [[0.89, 1.2], 'missed'],
    [[1, 1.11], 'more than that'],
  ] as const)('judges %j: %s', (shares, expected) => {
    expect(verdictOn(shares)).toBe(expected);
  });

  it('tells memory that is too much, or not known', () => {
    const crowds = [{ title: 'some', shares: SHARES }];
    expect(answerOf(crowds, 64, [400e6])).toContain('less than 400 MB, missed');
    expect(answerOf(crowds, 64, [])).toContain('does not tell');
  });
});

describe('the tables with many connections', () => {
  const scenarios = [{ name: 'put', title: 'PUT' }];
  const seen = { idleOpen: 9, answers: 12, bytes: 3e6, closed: 0 };

  it('show shares, peaks of each node, and those beside', () => {
    expect(sharesTable([{ title: 'some', shares: SHARES }]).rows).toEqual([
      ['some', '95 % (90 %-130 %)', '102 %'],
    ]);
    const beside = [
      { scenario: 'put', repeat: 1, peakBytes: { n1: 100e6, n2: 50e6 }, seen },
      { scenario: 'put', repeat: 2, peakBytes: { n1: 120e6 }, seen: { ...seen, answers: 14 } },
    ];
    expect(memoryTable(beside, scenarios)).toMatchObject({
      head: ['', 'n1', 'n2'],
      rows: [['PUT', '110.0 MB (100.0 MB-120.0 MB)', '50.0 MB']],
    });
    expect(bystandersTable(beside, scenarios).rows).toEqual([['PUT', '9', '13', '3.0 MB', '0']]);
  });

  it('leave out who had nobody beside', () => {
    const alone = [{ scenario: 'put', repeat: 1, peakBytes: {}, seen: undefined }];
    expect(bystandersTable(alone, scenarios).rows).toEqual([]);
  });
});
