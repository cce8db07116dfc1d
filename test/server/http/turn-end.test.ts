/** When answers leave: together at the end of a turn, but not too many at once. */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { endAfterTurn } from '../../../src/server/http/turn-end.ts';

/** Ends so many answers in one turn; gives the numbers of those that have left, in their order. */
function endInOneTurn(count: number): number[] {
  const left: number[] = [];
  for (let number = 1; number <= count; number += 1) {
    const outgoing = { end: () => left.push(number) } as unknown as ServerResponse;
    endAfterTurn(outgoing, 'body');
  }
  return left;
}

function numbersTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe('answers that are ended in one turn', () => {
  it('leave when it is over, one right after the other', async () => {
    const left = endInOneTurn(31);
    expect(left).toEqual([]);
    await new Promise(setImmediate);
    expect(left).toEqual(numbersTo(31));
  });

  it('leave earlier if they are many, so that no crowd of them is kept', async () => {
    const left = endInOneTurn(70);
    expect(left).toEqual(numbersTo(64));
    await new Promise(setImmediate);
    expect(left).toEqual(numbersTo(70));
    expect(endInOneTurn(1)).toEqual([]);
    await new Promise(setImmediate);
  });
});
