/**
 * Real nodes while everything breaks around them, and beside them others whose conditional writes are judged: most of the time is
 * waiting, so both run at once. `QUORATE_NEMESIS_SECONDS` makes it longer, `QUORATE_NEMESIS_SEED` draws the same faults again;
 * real processes never meet them in quite the same moments.
 */
import { randomInt } from 'node:crypto';
import { describe, it } from 'vitest';
import { runConditionalNemesis } from './conditional-nemesis.ts';
import { reportOf, runNemesis } from './nemesis-run.ts';

const SECONDS = Number(process.env['QUORATE_NEMESIS_SECONDS'] ?? 10);
const SEED = Number(process.env['QUORATE_NEMESIS_SEED'] ?? randomInt(2 ** 31));
/** To start, to heal at the end, and to judge. */
const EXTRA_MS = 300_000;

// Before anything can go wrong.
process.stdout.write(`QUORATE_NEMESIS_SEED=${SEED} QUORATE_NEMESIS_SECONDS=${SECONDS}\n`);

describe.concurrent('whatever breaks', { timeout: SECONDS * 1_000 + EXTRA_MS }, () => {
  it('nothing acknowledged is lost', async ({ expect }) => {
    const report = await runNemesis({ seed: SEED, seconds: SECONDS });
    process.stdout.write(`${reportOf(report)}\n`);
    expect(report.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`).join('\n')).toBe('');
    // Else it was no trial.
    expect(report.brokenShare).toBeGreaterThan(0.8);
    expect(report.acknowledged).toBeGreaterThan(SECONDS);
  });

  it('keys with conditional writes are linearizable', async ({ expect }) => {
    expect(await runConditionalNemesis({ seed: SEED, seconds: SECONDS })).toEqual([]);
  });
});
