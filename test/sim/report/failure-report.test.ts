import { describe, expect, it } from 'vitest';
import { drawPlan } from '../plan/draw-plan.ts';
import type { PlannedFault } from '../plan/plan.ts';
import { reportFailure } from './failure-report.ts';
import { mentions } from './flight-recorder.ts';
import { describeFault, describeOptions } from './plan-text.ts';
import { spaceTimeTable } from './space-time-table.ts';

const PLAN = drawPlan(2, { profile: 'quorum', operations: 40 });

describe('a space-time table', () => {
  const rows = [
    { atUs: 1_500, place: 'clients', text: 'c1 put 1 of k to n1' },
    { atUs: 2_000_000, place: 'n2', text: 'n1> store k {1}' },
    { atUs: 3_000_000, place: undefined, text: 'n1 crashes' },
    { atUs: 4_000_000, place: 'n1', text: 'x'.repeat(200) },
  ];

  it('has a column for each node, and shows what happened where and when', () => {
    const [head, first, second, third, fourth] = spaceTimeTable(['n1', 'n2'], rows);
    expect(head).toMatch(/^ +s  clients +n1 +n2$/);
    expect(first).toMatch(/^ +0\.001500  c1 put 1 of k to n1 +\| +\|$/);
    expect(second).toMatch(/^ +2\.000000 +\| +n1> store k \{1\}$/);
    expect(second?.indexOf('n1>')).toBe(head?.indexOf('n2'));
    expect(third).toBe('   3.000000  == n1 crashes');
    expect(fourth).toMatch(/x…/);
  });
});

describe('the report of a run', () => {
  it('begins with the command, and tells what was drawn, what broke and what happened last', async () => {
    const report = { name: 'seed 2', plan: PLAN, command: 'npm run sim -- --seed 2', rows: 400 };
    const { text, result } = await reportFailure(report);
    const lines = text.split('\n');
    expect(result.violation).toBeUndefined();
    expect(lines.slice(0, 2)).toEqual([
      'npm run sim -- --seed 2',
      expect.stringMatching(/^seed 2: nothing was violated this time, after \d+ events/),
    ]);
    for (const line of describeOptions(PLAN)) expect(text).toContain(line);
    for (const fault of PLAN.faults.slice(0, 10)) expect(text).toContain(describeFault(fault));
    expect(text).toMatch(/c\d+ (sloppy )?(put|get|delete) \d+ of \S+ to n\d/);
    expect(text).toMatch(/n\d> store \S+ \{[-\d ]+\} #\d+/);
    expect(text).toContain('== everything works again');
    expect(text).not.toMatch(/undefined|NaN|\[object/);
  });
});

it('sizes and limits are told of where they are not those of production', () => {
  const options = { ...PLAN.options, sizes: { hintPage: 1, grants: 2 }, limits: undefined };
  const lines = describeOptions({ ...PLAN, options });
  expect(lines).toContain('sizes as in production, but: hintPage 1, grants 2');
  expect(lines.filter((line) => line.startsWith('limits'))).toEqual([]);
});

describe('every kind of fault', () => {
  const at = { atUs: 0 };
  const faults: readonly PlannedFault[] = [
    { ...at, type: 'crash', node: 0, power: true, afterCalls: 3, downUs: 0, disk: 'wiped' },
    { ...at, type: 'snapshot', node: 0 },
    { ...at, type: 'forget', node: 0 },
    { ...at, type: 'cut', links: [[0, 1]], forUs: 1_000 },
    { ...at, type: 'reset', left: 0, right: 1 },
    { ...at, type: 'pause', node: 0, forUs: 1_000 },
    { ...at, type: 'slow', node: 0, factor: 10, forUs: 1_000 },
    { ...at, type: 'clock-jump', node: 0, ms: -5 },
    { ...at, type: 'write-fault', node: 0, fault: 'fail', forUs: 1_000 },
    { ...at, type: 'low-space', node: 0, forUs: 1_000 },
    { ...at, type: 'misread', node: 0, kind: 'error', forUs: 1_000 },
    { ...at, type: 'filter', from: 0, to: 1, kind: 'store', forUs: 1_000 },
  ];

  it.each(faults)('is described: $type', (fault) => {
    expect(describeFault(fault)).toMatch(/n1/);
    expect(describeFault(fault)).not.toMatch(/undefined|NaN/);
  });
});

it('a key is named by a whole word only', () => {
  expect(mentions('read key-1 #4', 'key-1')).toBe(true);
  expect(mentions('read key-12 #4', 'key-1')).toBe(false);
  expect(mentions('store __proto__ {1}', '__proto__')).toBe(true);
});
