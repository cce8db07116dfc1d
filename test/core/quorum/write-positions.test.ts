import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import type { ReplicaResult } from '../../../src/core/outcome.ts';
import { WritePositions } from '../../../src/core/quorum/write-positions.ts';

const HOMES = ['h1', 'h2', 'h3'] as NodeId[];
const FALLBACKS = ['f1', 'f2'] as NodeId[];
const [H1, H2, H3] = HOMES as [NodeId, NodeId, NodeId];
const [F1, F2] = FALLBACKS as [NodeId, NodeId];

function positions(required: number, fallbacks = FALLBACKS): WritePositions {
  return new WritePositions({ homes: HOMES, fallbacks }, required);
}

describe('positions', () => {
  it.each([1, 2, 3])('without fallbacks count home replicas, in every order of answers (W = %i)', (w) => {
    const results: readonly ReplicaResult[] = ['ok', 'refused'];
    for (const a of results) {
      for (const b of results) {
        for (const c of results) {
          const tally = positions(w, []);
          const came: ReplicaResult[] = [];
          for (const [index, result] of [a, b, c].entries()) {
            expect(tally.settle(HOMES[index] as NodeId, result, 1)).toBe(true);
            came.push(result);
            const ok = came.filter((each) => each === 'ok').length;
            const open = HOMES.length - came.length;
            const expected = ok >= w ? 'reached' : ok + open < w ? 'impossible' : 'open';
            expect(tally.verdict).toBe(expected);
            expect(tally.counted).toBe(ok);
          }
        }
      }
    }
  });

  it('are filled by a home replica or its stand-in, and never twice', () => {
    const tally = positions(2);
    tally.standIn(F1, H1);
    tally.settle(F1, 'ok', 1);
    expect([tally.counted, tally.isSloppy]).toEqual([1, true]);
    tally.settle(H1, 'ok', 1);
    expect([tally.counted, tally.isSloppy, tally.verdict]).toEqual([1, false, 'open']);
    expect(tally.settle(F1, 'ok', 1)).toBe(false);
    tally.settle(H3, 'ok', 1);
    expect(tally.verdict).toBe('reached');
  });

  it('stay conceivable while a stand-in owes an answer', () => {
    const tally = positions(3);
    tally.settle(H1, 'unreachable', 1);
    expect(tally.verdict).toBe('impossible');
    tally.standIn(F1, H1);
    expect(tally.verdict).toBe('open');
    tally.settle(F1, 'refused', 1);
    expect(tally.verdict).toBe('impossible');
  });

  it('want a stand-in while nobody may fill them', () => {
    const tally = positions(2);
    expect(tally.needsStandIn(H1)).toBe(true);
    tally.standIn(F1, H1);
    expect(tally.needsStandIn(H1)).toBe(false);
    tally.settle(F1, 'refused', 1);
    expect(tally.needsStandIn(H1)).toBe(true);
    tally.settle(H1, 'ok', 1);
    expect(tally.needsStandIn(H1)).toBe(false);
  });

  it('give a fallback free only if its home replica has stored the record itself', () => {
    const tally = positions(3);
    expect(tally.freeFallbacks).toEqual([F1, F2]);
    tally.standIn(F1, H2);
    expect(tally.freeFallbacks).toEqual([F2]);
    tally.settle(F1, 'ok', 1);
    expect(tally.freeFallbacks).toEqual([F2]);
    tally.settle(H2, 'ok', 1);
    expect(tally.freeFallbacks).toEqual([F1, F2]);
    tally.standIn(F1, H3);
    expect([tally.counted, tally.homeOf(F1)]).toEqual([1, H3]);
    tally.settle(F1, 'ok', 1);
    expect([tally.counted, tally.isSloppy]).toEqual([2, true]);
  });

  it('do not give a fallback that failed a second time', () => {
    const tally = positions(3);
    tally.standIn(F1, H1);
    tally.settle(F1, 'refused', 1);
    tally.settle(H1, 'ok', 1);
    expect(tally.freeFallbacks).toEqual([F2]);
  });
});
