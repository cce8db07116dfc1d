/** What the promises of a quorum say a key's object is. */
import { describe, expect, it } from 'vitest';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import { joinIfAny } from '../../../src/core/causality/record-order.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { currentObject } from '../../../src/core/paxos/current-object.ts';
import type { Promised, Voters } from '../../../src/core/paxos/messages.ts';
import { recordOf, textsOf } from '../causality/sample-records.ts';
import { ballot } from './stage.ts';

function promised(more: Partial<Promised>): Promised {
  const nothing = { promisedBefore: undefined, accepted: undefined, chosen: undefined, floor: undefined };
  return {
    type: 'promised',
    voters: 'voters' as Voters,
    ...nothing,
    object: undefined,
    record: undefined,
    ...more,
  };
}

function objectOf(number: number, text: string): KeyRecord {
  return recordOf(paxosDot(ballot(number)), text);
}

describe('the object of a key', () => {
  it('is what was accepted last, with what is stored', () => {
    const promises = [
      promised({ accepted: ballot(2), object: objectOf(2, 'second') }),
      promised({ accepted: ballot(1), object: objectOf(1, 'ghost') }),
    ];
    expect(textsOf(currentObject(promises))).toEqual(['second']);
  });

  it('is not what was accepted before something that is known to be chosen', () => {
    const promises = [
      promised({ accepted: ballot(1), object: objectOf(1, 'ghost') }),
      promised({ accepted: ballot(2), chosen: ballot(2), record: objectOf(2, 'chosen') }),
    ];
    for (const order of [promises, promises.toReversed()])
      expect(textsOf(currentObject(order))).toEqual(['chosen']);
  });

  it('is what was chosen, though who knows that has lost it, if another one has accepted it', () => {
    const promises = [
      promised({ accepted: ballot(3), chosen: ballot(3), record: objectOf(1, 'before') }),
      promised({ accepted: ballot(3), object: joinIfAny(objectOf(1, 'before'), objectOf(3, 'chosen')) }),
    ];
    for (const order of [promises, promises.toReversed()])
      expect(textsOf(currentObject(order))).toContain('chosen');
  });

  it('is the very record that is stored where that holds all of it', () => {
    const record = objectOf(3, 'chosen');
    const promises = [
      promised({ accepted: ballot(3), chosen: ballot(3), record }),
      promised({ accepted: ballot(3), object: objectOf(3, 'chosen') }),
    ];
    expect(currentObject(promises)).toBe(record);
  });
});
