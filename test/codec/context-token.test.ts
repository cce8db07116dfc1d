import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeContextToken, encodeContextToken } from '../../src/codec/context-token.ts';
import { checksum32, placementHash } from '../../src/codec/hash.ts';
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../src/core/causality/causal-context.ts';
import { actorId } from '../../src/core/causality/dot.ts';
import type { EntryName, Incarnation } from '../../src/core/ids.ts';
import { MAX_HEADER_BYTES } from '../../src/core/limits.ts';
import { context } from '../core/causality/sample-records.ts';
import { contexts, entryNames } from './arbitraries.ts';
import { comparable } from './comparable.ts';
import { mutationsOf, randomBytes } from './hostile-bytes.ts';

const ENTRY: EntryName = { bucket: 'users', key: 'ada' };

function decode(entry: EntryName, token: string): CausalContext {
  const decoded = decodeContextToken(entry, token);
  if (decoded.type === 'invalid') throw new Error(decoded.reason);
  return decoded.context;
}

/** A token with the right version, key and checksum, whatever the payload. */
function sealed(payload: Uint8Array): string {
  const header = Buffer.alloc(13);
  header[0] = 1;
  header.writeBigUInt64BE(placementHash(ENTRY), 1);
  header.writeUInt32BE(checksum32(payload, 0n), 9);
  return Buffer.concat([header, payload]).toString('base64url');
}

/** What every home replica has become after so many restarts, each of which wrote to this key. */
function manyRestarts(stores: number, restarts: number): CausalContext {
  const vector = new Map<ReturnType<typeof actorId>, number>();
  for (let store = 0; store < stores; store += 1) {
    for (let restart = 0; restart < restarts; restart += 1) {
      const bytes = Buffer.alloc(16, store + 1);
      bytes.writeDoubleBE(Math.sqrt(restart + 2), 8);
      // Epochs count the keys that a process wrote to, so that they are large numbers.
      const actor = actorId(bytes.toString('base64url') as Incarnation, 1_000_000 + restart * 37);
      vector.set(actor, 1 + (restart % 300));
    }
  }
  return { vector, cloud: new Map() };
}

describe('a context token', () => {
  it('gives back the context that it was made of', () => {
    fc.assert(
      fc.property(entryNames, contexts, (entry, known) => {
        const token = encodeContextToken(entry, known);
        expect(comparable(decode(entry, token))).toBe(comparable(known));
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for equal contexts, in whatever order they grew', () => {
    const dots = ['a', 'b', 'c'].flatMap((name) => [1, 2, 5].map((counter) => ({ name, counter })));
    const grow = (list: typeof dots): CausalContext =>
      list.reduce(
        (known, { name, counter }) =>
          withDot(known, { actor: actorId(`${name.repeat(21)}A` as Incarnation, 1), counter }),
        EMPTY_CONTEXT,
      );
    expect(encodeContextToken(ENTRY, grow(dots))).toBe(encodeContextToken(ENTRY, grow(dots.toReversed())));
  });

  it('may say that nothing was seen', () => {
    expect(decode(ENTRY, encodeContextToken(ENTRY, EMPTY_CONTEXT))).toEqual(EMPTY_CONTEXT);
  });

  it('fits into a header after 1,000 restarts of all three home replicas', () => {
    const known = manyRestarts(3, 1_000);
    const token = encodeContextToken(ENTRY, known);
    expect(known.vector.size).toBe(3_000);
    expect(token.length).toBeLessThan(MAX_HEADER_BYTES - 4_096);
    expect(comparable(decode(ENTRY, token))).toBe(comparable(known));
  });
});

describe('a token that is not one of this key', () => {
  function reasonOf(token: string, entry = ENTRY): string {
    const decoded = decodeContextToken(entry, token);
    return decoded.type === 'invalid' ? decoded.reason : 'it was taken';
  }

  const good = encodeContextToken(ENTRY, context({ a: [3, 7, 9], b: [1] }));

  it('is refused if it belongs to another key', () => {
    fc.assert(
      fc.property(entryNames, entryNames, contexts, (entry, other, known) => {
        fc.pre(entry.bucket !== other.bucket || entry.key !== other.key);
        const token = encodeContextToken(entry, known);
        expect(reasonOf(token, other)).toBe('it belongs to another key');
      }),
    );
  });

  it('is refused if bucket and key are the same text, cut in another place', () => {
    const token = encodeContextToken({ bucket: 'a', key: 'b/c' }, EMPTY_CONTEXT);
    expect(reasonOf(token, { bucket: 'a.b', key: 'c' })).toBe('it belongs to another key');
    expect(reasonOf(token, { bucket: 'ab', key: '/c' })).toBe('it belongs to another key');
  });

  it('is refused if a bit is changed, anywhere', () => {
    const bytes = Buffer.from(good, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(reasonOf(changed.toString('base64url'))).not.toBe('it was taken');
    }
  });

  it('is refused if it is cut short, anywhere', () => {
    for (let length = 0; length < good.length; length += 1) {
      expect(reasonOf(good.slice(0, length))).not.toBe('it was taken');
    }
  });

  it.each([
    ['it is not base64url', `${good}=`],
    ['it is not base64url', ` ${good}`],
    ['it is not base64url', good.replace(/^./, '+')],
    ['it is not base64url', 'é🙂\0'],
    ['it is too short', ''],
    ['it is too short', 'AQ'],
    ['it has an unknown format version', Buffer.alloc(30, 3).toString('base64url')],
    ['it is damaged or cut short', Buffer.alloc(30, 1).toString('base64url')],
  ])('%s', (reason, token) => {
    expect(reasonOf(token)).toBe(reason);
  });

  it('is refused in two spellings of the same bytes', () => {
    const last = good.at(-1) as string;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = alphabet.split('').map((letter) => good.slice(0, -1) + letter);
    const taken = spellings.filter((token) => reasonOf(token) === 'it was taken');
    expect(taken).toEqual([good.slice(0, -1) + last]);
  });

  it('is refused whatever it holds, or is a context that a token can be made of again', () => {
    const payloads = contexts.map((known) =>
      Buffer.from(encodeContextToken(ENTRY, known), 'base64url').subarray(13),
    );
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(payloads)), (payload) => {
        const decoded = decodeContextToken(ENTRY, sealed(payload));
        if (decoded.type === 'invalid') return;
        const again = decode(ENTRY, encodeContextToken(ENTRY, decoded.context));
        expect(comparable(again)).toBe(comparable(decoded.context));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['more stores than there are bytes', 'ffffffffffffff0f'],
    ['a number that never ends', '80'.repeat(40)],
    ['a number that ends too late', `${'80'.repeat(200)}00`],
    ['an epoch above the safe integers', '01 0000000000000000 01 0000000000000000 01 ffffffffffffff1f 01 00'],
    ['a number above the safe integers', '01 0000000000000000 01 0000000000000000 01 01 ffffffffffffff1f 00'],
    [
      'ranges above the safe integers',
      '01 0000000000000000 01 0000000000000000 01 01 01 01 ffffffffffffff0f 05',
    ],
    ['an actor twice', '01 0000000000000000 01 0000000000000000 02 01 01 00 01 02 00'],
    ['a range of nothing', '01 0000000000000000 01 0000000000000000 01 01 00 01 00 00'],
    ['bytes after the end', '00 00'],
  ])('is refused for %s', (_, payload) => {
    expect(reasonOf(sealed(Buffer.from(payload.replaceAll(' ', ''), 'hex')))).not.toBe('it was taken');
  });
});
