import { expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import { LATE_FOR_MS, PROMPT_MS, PROMPTNESS_KNOWN_FOR_MS } from '../../../src/core/limits.ts';
import { Promptness } from '../../../src/protocol/paxos/promptness.ts';

const NEAR = 'near' as NodeId;
const FAR = 'far' as NodeId;

it('tells near nodes from far ones, and not those that differ by a little', () => {
  const promptness = new Promptness();
  promptness.answered(NEAR, PROMPT_MS, 0);
  promptness.answered(FAR, 16 * PROMPT_MS, 0);
  expect([NEAR, FAR].map((node) => promptness.slowness(node, 0))).toEqual([0, 4]);
  for (let ms = 0; ms < 100; ms += 1) promptness.answered(FAR, PROMPT_MS / 2, ms);
  expect(promptness.slowness(FAR, 100)).toBe(0);
});

it('does not take one slow answer for much', () => {
  const promptness = new Promptness();
  for (let ms = 0; ms < 100; ms += 1) promptness.answered(NEAR, 1, ms);
  promptness.answered(NEAR, 4 * PROMPT_MS, 100);
  expect(promptness.slowness(NEAR, 100)).toBe(0);
});

it('knows nothing of those that it has not heard of for long', () => {
  const promptness = new Promptness();
  promptness.answered(FAR, 200, 0);
  promptness.noteLate(FAR, 0);
  expect(promptness.slowness('stranger' as NodeId, 0)).toBe(0);
  expect(promptness.slowness(FAR, PROMPTNESS_KNOWN_FOR_MS)).toBeGreaterThan(0);
  expect(promptness.slowness(FAR, PROMPTNESS_KNOWN_FOR_MS + 1)).toBe(0);
  expect([LATE_FOR_MS - 1, LATE_FOR_MS].map((ms) => promptness.isLate(FAR, ms))).toEqual([true, false]);
  promptness.answered(FAR, 1, PROMPTNESS_KNOWN_FOR_MS + 1);
  expect(promptness.slowness(FAR, PROMPTNESS_KNOWN_FOR_MS + 1)).toBe(0);
});
