/** What is remembered of deletions that may be reaped is bounded, and comes up in its time. */
import { describe, expect, it } from 'vitest';
import { MAX_REAP_CANDIDATES } from '../../../src/core/limits.ts';
import { ReapCandidates } from '../../../src/protocol/reaping/reap-candidates.ts';

const entry = (key: string, version = 1) => ({ bucket: 'b', key, digest: Uint8Array.of(version) });
const ALL = { entries: 1_000, nameBytes: 1_000_000 };

describe('candidates', () => {
  it('are due when their time has come, and keep the time that they were noted with first', () => {
    const candidates = new ReapCandidates();
    candidates.note(entry('a'), 100);
    candidates.note(entry('a'), 900);
    candidates.note(entry('b'), 200);
    expect(candidates.due(99, ALL)).toEqual([]);
    expect(candidates.due(100, ALL)).toEqual([entry('a')]);
    expect(candidates.due(200, ALL)).toEqual([entry('a'), entry('b')]);
  });

  it('have a time of their own if they take the place of another record of the key', () => {
    const candidates = new ReapCandidates();
    candidates.note(entry('a'), 100);
    candidates.note(entry('a', 2), 900);
    expect([candidates.has(entry('a')), candidates.has(entry('a', 2))]).toEqual([false, true]);
    // What was decided of the first one does not concern the second.
    candidates.postpone(entry('a'), 300);
    expect(candidates.due(899, ALL)).toEqual([]);
    expect(candidates.due(900, ALL)).toEqual([entry('a', 2)]);
  });

  it('are none any more when they are forgotten, and come later when they are postponed', () => {
    const candidates = new ReapCandidates();
    for (const key of ['a', 'b', 'c']) candidates.note(entry(key), 0);
    candidates.forget(entry('a'));
    candidates.postpone(entry('b'), 50);
    expect(candidates.has(entry('a'))).toBe(false);
    expect(candidates.due(0, ALL)).toEqual([entry('c')]);
    expect(candidates.due(50, ALL)).toEqual([entry('c'), entry('b')]);
  });

  it('come in rounds that are bounded in number and in bytes of names', () => {
    const candidates = new ReapCandidates();
    for (const key of ['aaaa', 'bbbb', 'cccc']) candidates.note(entry(key), 0);
    expect(candidates.due(0, { ...ALL, entries: 2 })).toEqual([entry('aaaa'), entry('bbbb')]);
    expect(candidates.due(0, { ...ALL, nameBytes: 10 })).toEqual([entry('aaaa'), entry('bbbb')]);
  });

  it('are not more than the bound', () => {
    const candidates = new ReapCandidates();
    for (let index = 0; index < MAX_REAP_CANDIDATES + 5; index += 1) candidates.note(entry(`${index}`), 0);
    expect(candidates.count).toBe(MAX_REAP_CANDIDATES);
    candidates.forget(entry('0'));
    candidates.note(entry('new'), 0);
    expect(candidates.has(entry('new'))).toBe(true);
  });

  it('that are far off leave room for those that are due', () => {
    const candidates = new ReapCandidates();
    for (let index = 0; index < MAX_REAP_CANDIDATES; index += 1)
      candidates.note(entry(`${index}`), 1_000, true);
    candidates.note(entry('due'), 0);
    expect(candidates.due(0, ALL)).toEqual([entry('due')]);
    expect(candidates.count).toBe(MAX_REAP_CANDIDATES / 2 + 1);
  });
});
