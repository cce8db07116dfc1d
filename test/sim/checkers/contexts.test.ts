import { describe, expect, it } from 'vitest';
import { EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts';
import { context, dot } from '../../core/causality/sample-records.ts';
import { checkAnswersOwnContext, checkCoversOnlySeen } from './contexts.ts';

const DOT = dot('a', 4);

describe('a context covers', () => {
  const given = { key: 'key', what: 'the read 1', unheard: [] };

  it('what its holder has seen', () => {
    expect(checkCoversOnlySeen({ ...given, events: [1, 2] }, new Set([1, 2, 3]))).toEqual([]);
  });

  it('too much if one event is not among that', () => {
    const [violation] = checkCoversOnlySeen({ ...given, events: [1, 4] }, new Set([1, 2, 3]));
    expect(violation?.invariant).toBe('over-covering-context');
    expect(violation?.detail).toContain('covers 4');
  });

  it('too much if a dot is of no event at all', () => {
    const [violation] = checkCoversOnlySeen({ ...given, events: [1], unheard: ['a.1.7'] }, new Set([1]));
    expect(violation?.invariant).toBe('over-covering-context');
    expect(violation?.detail).toContain('a.1.7');
  });
});

describe('the answer to a write', () => {
  const before = context({ a: [1] });

  it.each([
    ['with the context that was sent', before, withDot(before, DOT)],
    ['with none', EMPTY_CONTEXT, withDot(EMPTY_CONTEXT, DOT)],
  ])('gives exactly the new dot %s', (_, sent, answered) => {
    expect(checkAnswersOwnContext('put 1', { before: sent, dot: DOT, answered })).toEqual([]);
  });

  it.each([
    ['more', context({ a: [4] })],
    ['less', before],
    ['the dot alone', withDot(EMPTY_CONTEXT, DOT)],
  ])('must not give %s', (_, answered) => {
    const [violation] = checkAnswersOwnContext('put 1', { before, dot: DOT, answered });
    expect(violation?.invariant).toBe('over-covering-context');
  });
});
