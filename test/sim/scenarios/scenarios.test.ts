import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../../src/codec/record-codec.ts';
import type { SiblingContent } from '../../../src/core/causality/record.ts';
import { valueOf } from '../checkers/dots.ts';
import { entryOf, isRecordKey } from '../run/record-keys.ts';
import { ScenarioFailure, demand, demandEvents } from './scenario.ts';
import { ScenarioCluster } from './scenario-cluster.ts';
import { SCENARIOS } from './scenarios.ts';

describe('regression scenarios', () => {
  it.each(SCENARIOS)('$name: $rule', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('have names of their own', () => {
    const names = SCENARIOS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a scenario fails', () => {
  it('when what it demands does not hold, with both sides', () => {
    expect(() => demand(false, 'it is gone')).toThrow(new ScenarioFailure('it is gone'));
    expect(() => demandEvents('the key', [2], [1, 2])).toThrow('the key shows 2, and not 1, 2');
    expect(() => demandEvents('the key', [], [1])).toThrow('the key shows nothing, and not 1');
    demandEvents('the key', [2, 1], [1, 2]);
  });

  it('when one dot names two events', async () => {
    const cluster = await ScenarioCluster.start();
    const { p1, p2 } = cluster;
    await cluster.mustPut(p1, 1);
    cluster.demandDistinctDots();
    const [stored] = [...p2.disk.entries()].filter(([key]) => isRecordKey(key));
    const [key, bytes] = stored ?? [];
    if (key === undefined || bytes === undefined) throw new Error('p2 holds no record');
    const entry = entryOf(key);
    const { siblings, ...rest } = decodeRecord(entry, bytes);
    const content: SiblingContent = { type: 'value', contentType: 'text/plain', bytes: valueOf(2, 0) };
    const forged = { ...rest, siblings: siblings.map((sibling) => ({ ...sibling, content })) };
    p2.disk.observer.onAttempt?.([{ type: 'put', key, value: encodeRecord(entry, forged) }]);
    expect(() => cluster.demandDistinctDots()).toThrow('names event 1 and event 2');
  });
});
