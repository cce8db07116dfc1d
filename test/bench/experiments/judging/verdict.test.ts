/** What a report says of what the checkers found. */
import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../../../bench/experiments/judging/verdict.ts';

describe('verdictOf', () => {
  it('is sound if nothing was found', () => {
    expect(verdictOf([], 'All is well.')).toEqual({ isSound: true, text: 'All is well.' });
  });

  it('names what was found, and counts the rest', () => {
    const broken = ['1', '2', '3', '4', '5', '6', '7'];
    expect(verdictOf(broken, '')).toEqual({ isSound: false, text: '1; 2; 3; 4; 5; and 2 more' });
  });
});
