/** What is said of the targets with a great many keys. */
import { describe, expect, it } from 'vitest';
import { answerOf, sharesOf, type Findings } from '../../../bench/many-keys/judgement.ts';
import { memoryTable, sharesTable, startTable } from '../../../bench/many-keys/section.ts';

const MB = 1e6;
const memory = (total: number, mappedFiles: number) => ({
  total: total * MB,
  own: (total - mappedFiles) * MB,
  mappedFiles: mappedFiles * MB,
});

const MET: Findings = {
  keys: 10_000_000,
  fewKeys: 100_000,
  startSeconds: [1.2, 9.94, 3],
  memory: [memory(399, 200), memory(120, 50)],
  shares: [
    { title: 'PUT', samples: [0.5, 0.6, 0.9] },
    { title: 'GET', samples: [1.1] },
  ],
};

describe('the shares of many keys', () => {
  it('are those of the same repeat, and none where one side has nothing', () => {
    expect(sharesOf([50, 30, 10], [100, 60])).toEqual([0.5, 0.5]);
    expect(sharesOf([50], [0])).toEqual([]);
  });
});

describe('the answer with many keys', () => {
  it('names keys, the slowest start, the largest memory and the medians', () => {
    expect(answerOf(MET)).toBe(
      'With 10,000,000 keys a node is ready after 9.9 s (target: less than 10 s, met), takes up to 399 MB of memory, of which ' +
        '200 MB are pages of data files (target: less than 400 MB, met), and of the rate with 100,000 keys does 60 % (PUT), ' +
        '110 % (GET) (target: at least 60 %, met).',
    );
  });

  it.each<readonly [string, Partial<Findings>, string]>([
    ['a slow start', { startSeconds: [1, 10] }, 'is ready after 10.0 s (target: less than 10 s, missed)'],
    ['memory at the bound', { memory: [memory(400, 0)] }, '(target: less than 400 MB, missed)'],
    [
      'one kind that is slower',
      { shares: [...MET.shares, { title: 'over', samples: [0.59] }] },
      '59 % (over) (target: at least 60 %, missed)',
    ],
    ['a kind without figures', { shares: [{ title: 'none', samples: [] }] }, 'missed)'],
    ['memory that is not told', { memory: [] }, 'not judged'],
  ])('tells %s', (_, change, expected) => {
    const answer = answerOf({ ...MET, ...change });
    expect(answer).toContain(expected);
    expect(answer.match(/, met\)/g)).toHaveLength(2);
  });
});

describe('the tables with many keys', () => {
  it('show starts, memory by kind, and both shares', () => {
    const starts = [
      { node: 'n1', readySeconds: 1.234, memory: undefined },
      { node: 'n2', readySeconds: 2, memory: undefined },
    ];
    expect(startTable([{ keys: 1_000, starts, loadSeconds: 3.2 }]).rows).toEqual([
      ['1,000', '3', 'n1', '1.23'],
      ['', '', 'n2', '2.00'],
    ]);
    const node = { node: 'many n1', started: memory(100, 40), atRest: undefined, loaded: memory(300, 200) };
    expect(memoryTable([{ ...node, diskBytes: 5 * MB }]).rows).toEqual([
      ['many n1', '100.0 MB (40.0 MB)', '-', '300.0 MB (200.0 MB)', '5.0 MB'],
    ]);
    const shares = [{ title: 'GET', samples: [0.5, 0.7] }];
    expect(sharesTable(shares, [{ title: 'GET', samples: [0.4] }]).rows).toEqual([
      ['GET', '60 % (50 %-70 %)', '40 %'],
    ]);
    expect(sharesTable(shares, []).rows).toEqual([['GET', '60 % (50 %-70 %)', '-']]);
  });
});
