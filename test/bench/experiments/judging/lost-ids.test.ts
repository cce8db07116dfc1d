/** The judgement on hand-made outcomes, guilty and innocent ones. */
import { describe, expect, it } from 'vitest';
import {
  brokenPromises,
  judge,
  type KeyTally,
  lostPerMillion,
  together,
} from '../../../../bench/experiments/judging/lost-ids.ts';

const STRICT = { mayLose: false };

function tally(told: Partial<KeyTally>): KeyTally {
  return { key: 'key', acknowledged: [], unknown: [], refused: [], ...told };
}

describe('judge', () => {
  it('finds nothing where all that was acknowledged is there, and of the unknown some', () => {
    const told = tally({ acknowledged: ['a', 'b'], unknown: ['c', 'd'], refused: ['e'] });
    const judgement = judge(told, ['a', 'c', 'b']);
    expect(judgement).toEqual({ acknowledged: 2, lost: [], duplicated: [], revived: [], invented: [] });
    expect(brokenPromises(judgement, STRICT)).toEqual([]);
  });

  it('finds what was acknowledged and is gone', () => {
    const judgement = judge(tally({ acknowledged: ['a', 'b', 'c'] }), ['b']);
    expect(judgement.lost).toEqual(['a', 'c']);
    expect(brokenPromises(judgement, STRICT)).toEqual(['2 updates were acknowledged and lost (a, c)']);
    expect(brokenPromises(judgement, { mayLose: true })).toEqual([]);
  });

  it('finds what was applied twice', () => {
    const judgement = judge(tally({ acknowledged: ['a', 'b'] }), ['a', 'b', 'a']);
    expect(judgement.duplicated).toEqual(['a']);
    expect(brokenPromises(judgement, { mayLose: true })).toEqual(['1 updates were applied twice (a)']);
  });

  it('finds what was called not applied, and is there', () => {
    const judgement = judge(tally({ acknowledged: ['a'], refused: ['b'] }), ['a', 'b']);
    expect(judgement.revived).toEqual(['b']);
    expect(brokenPromises(judgement, { mayLose: true })).toHaveLength(1);
  });

  it('finds what nobody has added', () => {
    const judgement = judge(tally({ acknowledged: ['a'] }), ['a', 'x']);
    expect(judgement.invented).toEqual(['x']);
    expect(brokenPromises(judgement, STRICT)).toHaveLength(1);
  });
});

describe('lostPerMillion', () => {
  it('counts over several keys', () => {
    const one = judge(tally({ acknowledged: ['a', 'b', 'c'] }), ['a', 'b', 'c']);
    const other = judge(tally({ acknowledged: ['a'] }), []);
    expect(lostPerMillion(together([one, other]))).toBe(250_000);
  });

  it('says nothing where nothing was acknowledged', () => {
    expect(lostPerMillion(judge(tally({ unknown: ['a'] }), []))).toBeUndefined();
  });
});
