import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/adapters/system-random.ts';

describe('system random', () => {
  it('gives as many bytes as asked, other ones each time', () => {
    expect(systemRandom.bytes(0)).toHaveLength(0);
    expect(systemRandom.bytes(16)).toHaveLength(16);
    expect(systemRandom.bytes(16)).not.toEqual(systemRandom.bytes(16));
  });

  it('gives fractions that lie in [0, 1) and reach both halves', () => {
    const fractions = Array.from({ length: 1_000 }, () => systemRandom.fraction());
    expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
    expect(fractions.some((fraction) => fraction < 0.5)).toBe(true);
    expect(fractions.some((fraction) => fraction >= 0.5)).toBe(true);
    expect(new Set(fractions).size).toBeGreaterThan(990);
  });
});
