/** What fast-check draws for the laws of causality. Few actors and small counters, so that what is drawn overlaps. */
import fc from 'fast-check';
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { runHistory } from './random-history.ts';
import { PRODUCTION_RULES } from './replica-model.ts';
import { dot } from './sample-records.ts';

export const HIGHEST_COUNTER = 12;

export const ALL_DOTS: readonly Dot[] = ['a', 'b', 'c'].flatMap((name) =>
  Array.from({ length: HIGHEST_COUNTER }, (_, index) => dot(name, index + 1)),
);

/** Any set of dots, in any order. */
export const dotLists: fc.Arbitrary<readonly Dot[]> = fc.shuffledSubarray([...ALL_DOTS]);

/** A context and the plain set of dots that it stands for. */
export interface ModelledContext {
  readonly context: CausalContext;
  readonly dots: ReadonlySet<string>;
}

export function contextOf(dots: readonly Dot[]): CausalContext {
  return dots.reduce(withDot, EMPTY_CONTEXT);
}

export const modelledContexts: fc.Arbitrary<ModelledContext> = dotLists.map((dots) => ({
  context: contextOf(dots),
  dots: new Set(dots.map(formatDot)),
}));

/**
 * Three records of one key that replicas really came to hold. The laws of the join are laws of such records: any
 * structure of siblings and contexts would include claims that no replica makes, such as a sibling that the record's own
 * context does not know.
 */
export const recordTriples: fc.Arbitrary<readonly [KeyRecord, KeyRecord, KeyRecord]> = fc
  .tuple(fc.integer(), fc.nat(), fc.nat(), fc.nat())
  .map(([seed, first, second, third]) => {
    const { records } = runHistory({ seed, rules: PRODUCTION_RULES, collectRecords: true });
    const pick = (draw: number): KeyRecord | undefined => records[draw % records.length];
    return [pick(first), pick(second), pick(third)];
  })
  .filter((triple): triple is [KeyRecord, KeyRecord, KeyRecord] => !triple.includes(undefined));
