/** A late replica is late by what replicas take, and only so many are asked twice. */
import { describe, expect, it } from 'vitest';
import {
  HEDGE_DELAY_MS,
  HEDGE_LATEST_MS,
  HEDGE_SHARE,
  MAX_SAVED_HEDGES,
  MIN_HEDGE_DELAY_MS,
} from '../../../src/core/limits.ts';
import { HedgePolicy } from '../../../src/core/quorum/hedge-policy.ts';

function afterAnswers(...answers: readonly number[]): HedgePolicy {
  const policy = new HedgePolicy();
  for (const ms of answers) policy.answered(ms);
  return policy;
}

const repeated = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('another replica is asked', () => {
  it('after a fixed time while nothing is known', () => {
    expect(new HedgePolicy().delayMs).toBe(HEDGE_DELAY_MS);
    expect(afterAnswers(...repeated(63, 100)).delayMs).toBe(HEDGE_DELAY_MS);
  });

  it('after what 95 of 100 answers took', () => {
    const answers = Array.from({ length: 512 }, (_, index) => (index * 7) % 100);
    expect(afterAnswers(...answers).delayMs).toBe(94);
    expect(afterAnswers(...repeated(460, 20), ...repeated(52, 200)).delayMs).toBe(200);
    expect(afterAnswers(...repeated(500, 20), ...repeated(12, 200)).delayMs).toBe(20);
  });

  it('by what they took lately', () => {
    expect(afterAnswers(...repeated(512, 200), ...repeated(512, 40)).delayMs).toBe(40);
  });

  it('within bounds, whatever they took', () => {
    expect(afterAnswers(...repeated(64, 0.2)).delayMs).toBe(MIN_HEDGE_DELAY_MS);
    expect(afterAnswers(...repeated(64, 9_000)).delayMs).toBe(HEDGE_LATEST_MS);
  });

  it('for a share of the reads, and some more that were saved up', () => {
    const policy = new HedgePolicy();
    for (let hedge = 0; hedge < MAX_SAVED_HEDGES; hedge += 1) expect(policy.allows(30)).toBe(true);
    expect(policy.allows(30)).toBe(false);
    let allowed = 0;
    for (let read = 0; read < 1_000; read += 1) {
      policy.began();
      if (policy.allows(30)) allowed += 1;
    }
    expect(Math.abs(allowed - 1_000 * HEDGE_SHARE)).toBeLessThanOrEqual(1);
    for (let read = 0; read < 10_000; read += 1) policy.began();
    for (let hedge = 0; hedge < MAX_SAVED_HEDGES; hedge += 1) expect(policy.allows(30)).toBe(true);
    expect(policy.allows(30)).toBe(false);
  });

  it('at last also without a budget', () => {
    const policy = new HedgePolicy();
    while (policy.allows(30));
    expect(policy.allows(HEDGE_LATEST_MS - 1)).toBe(false);
    expect(policy.allows(HEDGE_LATEST_MS)).toBe(true);
    expect(policy.allows(HEDGE_LATEST_MS)).toBe(true);
  });
});
