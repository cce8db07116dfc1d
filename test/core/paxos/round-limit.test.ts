import { describe, expect, it } from 'vitest';
import { MAX_ROUND_TIMEOUT_MS, ROUND_TIMEOUT_MS } from '../../../src/core/limits.ts';
import { RoundLimit } from '../../../src/core/paxos/round-limit.ts';

describe('the time limit of the next round', () => {
  it('doubles with each that runs out of time, up to a bound', () => {
    const limit = new RoundLimit();
    expect([limit.ms, limit.isExtended]).toEqual([ROUND_TIMEOUT_MS, false]);
    limit.ranOut(limit.ms, false);
    expect([limit.ms, limit.isExtended]).toEqual([2 * ROUND_TIMEOUT_MS, true]);
    for (let rounds = 0; rounds < 10; rounds += 1) limit.ranOut(limit.ms, false);
    expect(limit.ms).toBe(MAX_ROUND_TIMEOUT_MS);
  });

  it('is as it was after one that succeeds', () => {
    const limit = new RoundLimit();
    limit.ranOut(limit.ms, false);
    limit.succeeded();
    expect([limit.ms, limit.isExtended]).toEqual([ROUND_TIMEOUT_MS, false]);
  });

  it('stays as it is after one that had less time, because nobody would have waited longer', () => {
    const limit = new RoundLimit();
    limit.ranOut(ROUND_TIMEOUT_MS / 10, false);
    expect([limit.ms, limit.isExtended]).toEqual([ROUND_TIMEOUT_MS, false]);
    limit.ranOut(limit.ms, false);
    limit.ranOut(ROUND_TIMEOUT_MS / 10, false);
    expect(limit.ms).toBe(2 * ROUND_TIMEOUT_MS);
  });
});
