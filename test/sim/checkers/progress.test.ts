import { describe, expect, it } from 'vitest';
import { checkAllAnswered, checkAllUp, checkNothingLeft, checkServed } from './progress.ts';

describe('progress', () => {
  it('is that nothing is open, everybody is up, and what is asked is done', () => {
    expect(checkAllAnswered(0)).toEqual([]);
    expect(checkAllUp(new Map([['n1', true]]))).toEqual([]);
    expect(checkServed('a read', undefined)).toEqual([]);
  });

  it.each([
    ['operations are open', checkAllAnswered(2), '2 operations'],
    [
      'a node is down',
      checkAllUp(
        new Map([
          ['n1', true],
          ['n2', false],
        ]),
      ),
      'n2',
    ],
    ['a request comes to something else', checkServed('a read', 'a timeout'), 'a read came to a timeout'],
  ])('is missing if %s', (_, violations, detail) => {
    expect(violations).toHaveLength(1);
    expect(violations[0]?.invariant).toBe('progress');
    expect(violations[0]?.detail).toContain(detail);
  });
});

describe('an idle node', () => {
  const clean = { node: 'n1', timers: 1, standingTimers: 1, connections: 8, closingMs: 0 };

  it('has a connection each way with each other member, no timer, and closes at once', () => {
    expect(checkNothingLeft(clean, 5)).toEqual([]);
  });

  it.each([
    ['timers', { timers: 2 }, '2 timers'],
    ['connections that nobody uses', { connections: 9 }, '9 connections to 4 members'],
    ['too few connections', { connections: 7 }, '7 connections to 4 members'],
    ['operations', { closingMs: 30_000 }, 'for 30000 ms'],
    ['something that never lets it close', { closingMs: Infinity }, 'for Infinity ms'],
  ])('leaks if it has %s', (_, held, detail) => {
    const [violation] = checkNothingLeft({ ...clean, ...held }, 5);
    expect(violation?.invariant).toBe('leak');
    expect(violation?.detail).toContain(detail);
  });
});
