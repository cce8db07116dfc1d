import { expect, it } from 'vitest';
import { NOTHING_SHOWN, ObjectRecord, type Shown, shownIn } from './object-record.ts';

function shown(state: string, etag = `etag of ${state}`): Shown {
  return { state, etag, token: undefined };
}

/** Written by one client, one call after the other: created as `1`, deleted, and created again as `3`. */
function recreated(): ObjectRecord {
  const record = new ObjectRecord();
  record.wrote(record.call(), { type: 'create', event: '1' });
  record.wrote(record.call(), { type: 'replace', expected: '1', event: '-2' });
  record.saw(record.call(), NOTHING_SHOWN);
  record.wrote(record.call(), { type: 'create', event: '3' });
  return record;
}

it('finds nothing wrong with a key that is deleted and created again', () => {
  const record = recreated();
  record.saw(record.call(), shown('3'), { type: 'replace', expected: '1', event: '4' });
  expect(record.judge()).toEqual([]);
});

it('finds what comes back after its deletion, and what is not there after its creation', () => {
  for (const stale of [shown('1'), NOTHING_SHOWN]) {
    const record = recreated();
    record.saw(record.call(), stale);
    expect(record.judge()).toEqual([expect.stringContaining('not linearizable')]);
  }
});

it('finds a creation beside what was there, and a deletion of what was not', () => {
  const beside = recreated();
  beside.wrote(beside.call(), { type: 'create', event: '4' });
  const twice = recreated();
  twice.wrote(twice.call(), { type: 'replace', expected: '1', event: '-4' });
  for (const record of [beside, twice])
    expect(record.judge()).toEqual([expect.stringContaining('not linearizable')]);
});

it('finds a refusal that tells of what meets its condition', () => {
  const record = recreated();
  record.saw(record.call(), shown('3'), { type: 'replace', expected: '3', event: '4' });
  expect(record.judge()).toEqual([expect.stringContaining('not linearizable')]);
});

it('lets a deletion of unknown outcome have happened late, or never', () => {
  for (const late of [shown('3'), NOTHING_SHOWN]) {
    const record = recreated();
    record.mayHaveWritten(record.call(), { type: 'replace', expected: '3', event: '-4' });
    record.saw(record.call(), shown('3'));
    record.saw(record.call(), late);
    expect(record.judge()).toEqual([]);
  }
});

it('finds a write that was refused and has appeared, which nobody may have written', () => {
  const record = recreated();
  record.saw(record.call(), shown('9'));
  expect(record.judge()).toEqual([expect.stringContaining('not linearizable')]);
});

it('has a plain write join what its client had not seen, and nothing else', () => {
  for (const [replaces, state, isLegal] of [
    [[], '3 4', true],
    [['3'], '4', true],
    [[], '4', false],
  ] as const) {
    const record = recreated();
    record.wrote(record.call(), { type: 'plain', replaces: new Set(replaces), event: '4' });
    record.saw(record.call(), shown(state));
    expect(record.judge().length).toBe(isLegal ? 0 : 1);
  }
});

it('finds one ETag of two contents', () => {
  const record = recreated();
  record.learn(shown('1', 'same'));
  record.learn(shown('3', 'same'));
  expect(record.judge()).toEqual(['the ETag same stands for 1 and for 3']);
});

it('reads from an entry whose values are there, and passes its tombstones over', () => {
  const common = { contentType: 'text/plain', writtenAt: '2026-01-01T00:00:00.000Z' };
  const entry = {
    ...{ bucket: 'b', key: 'k', context: 'token', etag: 'e' },
    siblings: [
      { id: 'n.2', text: '7 rest', ...common },
      { id: 'n.1', deleted: true as const },
      { id: 'n.3', text: '12', ...common },
    ],
  };
  expect(shownIn(entry)).toEqual({ state: '12 7', etag: 'e', token: 'token' });
});
