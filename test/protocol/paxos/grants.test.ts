/** What is kept of keys that rounds have just been through: of a bounded number, the newest. */
import { describe, expect, it } from 'vitest';
import { EncodedRecord } from '../../../src/codec/encoded-record.ts';
import { encodeRecord } from '../../../src/codec/record-codec.ts';
import { GRANT_LIFETIME_MS } from '../../../src/core/limits.ts';
import type { Voters } from '../../../src/core/paxos/messages.ts';
import type { Grant } from '../../../src/core/paxos/round.ts';
import { Grants } from '../../../src/protocol/paxos/grants.ts';
import { KnownObjects } from '../../../src/protocol/paxos/known-objects.ts';
import { ballot, plain } from '../../core/paxos/stage.ts';

const VOTERS = 'all' as Voters;

function grant(number: number): Grant {
  return { ballot: ballot(number), voters: VOTERS, object: undefined, floor: undefined, promisedBy: [] };
}

describe('grants', () => {
  it('are taken once', () => {
    const grants = new Grants(2);
    grants.keep('a', grant(1), 0);
    expect(grants.take('a', VOTERS, 0)).toEqual(grant(1));
    expect(grants.take('a', VOTERS, 0)).toBeUndefined();
  });

  it('make room for newer ones, be it for one alone', () => {
    const grants = new Grants(1);
    grants.keep('a', grant(1), 0);
    grants.keep('a', grant(2), 0);
    expect(grants.take('a', VOTERS, 0)).toEqual(grant(2));
    grants.keep('a', grant(3), 0);
    grants.keep('b', grant(4), 0);
    expect(grants.take('a', VOTERS, 0)).toBeUndefined();
    expect(grants.take('b', VOTERS, 0)).toEqual(grant(4));
  });

  it('are of no use for long', () => {
    const grants = new Grants(2);
    grants.keep('a', grant(1), 0);
    expect(grants.take('a', VOTERS, GRANT_LIFETIME_MS + 1)).toBeUndefined();
  });
});

describe('known objects', () => {
  it('make room for newer ones, be it for one alone', () => {
    const object = new EncodedRecord(encodeRecord({ bucket: 'b', key: 'k' }, plain('one')));
    const known = new KnownObjects(1);
    known.keep('a', object, 0);
    expect(known.get('a')).toBe(object);
    known.keep('b', object, 0);
    expect([known.get('a'), known.get('b')]).toEqual([undefined, object]);
    known.keep('b', undefined, 0);
    expect(known.get('b')).toBeUndefined();
  });
});
