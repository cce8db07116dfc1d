import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  actorId,
  compareDots,
  epochOf,
  formatDot,
  incarnationOf,
  isActorId,
  sameDot,
} from '../../../src/core/causality/dot.ts';
import type { Incarnation } from '../../../src/core/ids.ts';
import { ALL_DOTS } from './arbitraries.ts';
import { dot } from './sample-records.ts';

const incarnations = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url') as Incarnation);
const epochs = fc.oneof(fc.nat(100), fc.maxSafeNat());

describe('an actor id', () => {
  it('gives back the incarnation and the epoch that it was made of', () => {
    fc.assert(
      fc.property(incarnations, epochs, (incarnation, epoch) => {
        const actor = actorId(incarnation, epoch);
        expect(isActorId(actor)).toBe(true);
        expect(incarnationOf(actor)).toBe(incarnation);
        expect(epochOf(actor)).toBe(epoch);
      }),
    );
  });

  it('has one form only: what is accepted is what would have been written', () => {
    const texts = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.stringMatching(/^[A-Za-z0-9_-]{22}$/), fc.stringMatching(/^[0-9a-z]{1,12}$/))
        .map((parts) => parts.join('.')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        if (!isActorId(text)) return;
        const incarnation = Buffer.from(incarnationOf(text), 'base64url').toString(
          'base64url',
        ) as Incarnation;
        expect(actorId(incarnation, epochOf(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  const ZEROES = 'A'.repeat(22);
  it.each([
    '',
    ZEROES,
    `${ZEROES}.`,
    `.${ZEROES}`,
    `${ZEROES}.00`,
    `${ZEROES}.01`,
    `${ZEROES}.Z`,
    `${ZEROES}.-1`,
    `${ZEROES}.1.1`,
    `${ZEROES}.1\n`,
    `${ZEROES}.zzzzzzzzzzz`,
    `${ZEROES}A.1`,
    `${'A'.repeat(21)}.1`,
    `${'A'.repeat(21)}=.1`,
    `${'A'.repeat(21)}B.1`,
    `${'A'.repeat(21)}+.1`,
  ])('is not %j', (text) => {
    expect(isActorId(text)).toBe(false);
  });
});

describe('dots', () => {
  it('are in one total order, by actor and then by counter', () => {
    const sorted = ALL_DOTS.toReversed().toSorted(compareDots);
    expect(sorted.map(formatDot)).toEqual(ALL_DOTS.map(formatDot));
    for (const left of ALL_DOTS) {
      for (const right of ALL_DOTS) {
        expect(Math.sign(compareDots(left, right))).toBe(-Math.sign(compareDots(right, left)) + 0);
        expect(compareDots(left, right) === 0).toBe(sameDot(left, right));
      }
    }
  });

  it('of another epoch are other dots', () => {
    expect(sameDot(dot('a', 1, 1), dot('a', 1, 2))).toBe(false);
  });

  it('are shown in a form that needs no escape in a URL', () => {
    const text = formatDot(dot('a', 12, 40));
    expect(text).toBe(`a${'-'.repeat(20)}A.14.12`);
    expect(encodeURIComponent(text)).toBe(text);
  });
});
