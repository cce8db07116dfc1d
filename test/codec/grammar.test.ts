import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/codec/format-error.ts';
import { checkGrammar } from '../../src/codec/grammar.ts';
import { type FieldReader, packFields, packFieldsAfterHeader, unpackFields } from '../../src/codec/packer.ts';
import { MAX_PACKED_DEPTH, MAX_PACKED_VALUES } from '../../src/core/limits.ts';
import { comparable } from './comparable.ts';
import { mutationsOf, randomBytes, refusedOr } from './hostile-bytes.ts';

type Field = null | boolean | number | string | Uint8Array | readonly Field[];

/** Text of all widths and lengths: the library reads short and long strings in different ways. */
const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 60, maxLength: 400, unit: fc.constantFrom('a', 'é', '🙂', '\0') }),
);
const numbers = fc.oneof(
  fc.integer({ min: -200, max: 70_000 }),
  fc.maxSafeInteger(),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
);
const leaves = fc.oneof(
  fc.constantFrom(null, true, false),
  numbers,
  texts,
  fc.uint8Array({ maxLength: 300 }),
);
const flat = fc.array<Field>(leaves, { maxLength: 20 });
const fields = fc.array(fc.oneof<fc.Arbitrary<Field>[]>(leaves, flat, fc.array(flat, { maxLength: 3 })), {
  maxLength: 10,
});

/** Reads what should be there, by the method for its kind. */
function readLike(reader: FieldReader, wanted: Field): Field {
  if (wanted === null) return reader.optionalString() ?? null;
  if (typeof wanted === 'boolean') return reader.boolean();
  if (typeof wanted === 'string') return reader.string();
  if (wanted instanceof Uint8Array) return reader.bytes();
  if (typeof wanted === 'object') return readAllLike(reader.fields(), wanted);
  return Number.isSafeInteger(wanted) ? reader.integer(Number.MIN_SAFE_INTEGER) : reader.duration();
}

function readAllLike(reader: FieldReader, wanted: readonly Field[]): readonly Field[] {
  const read = wanted.map((each) => readLike(reader, each));
  reader.end();
  return read;
}

function nested(depth: number): Buffer {
  return Buffer.concat([Buffer.alloc(depth, 0x91), Uint8Array.of(0)]);
}

describe('packed fields', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fields, (wanted) => {
        expect(comparable(readAllLike(unpackFields(packFields(wanted)), wanted))).toBe(comparable(wanted));
      }),
      { numRuns: 500 },
    );
  });

  it('are the same bytes whatever was packed before', () => {
    fc.assert(
      fc.property(fields, fields, (wanted, before) => {
        const first = Buffer.from(packFields(wanted)).toString('hex');
        packFields(before);
        expect(Buffer.from(packFields(wanted)).toString('hex')).toBe(first);
      }),
    );
  });

  it('may leave room for a header', () => {
    fc.assert(
      fc.property(fields, fc.integer({ min: 1, max: 255 }), (wanted, headerBytes) => {
        const bytes = packFieldsAfterHeader(wanted, headerBytes);
        bytes.fill(0xff, 0, headerBytes);
        expect(comparable(readAllLike(unpackFields(bytes.subarray(headerBytes)), wanted))).toBe(
          comparable(wanted),
        );
      }),
    );
  });

  it('are all that the grammar lets through', () => {
    fc.assert(
      fc.property(fields, (wanted) => {
        expect(() => checkGrammar(packFields(wanted))).not.toThrow();
      }),
    );
  });
});

describe('bytes that are not ours', () => {
  it('are refused, or are an array of plain values', () => {
    fc.assert(
      fc.property(fc.oneof(randomBytes, mutationsOf(fields.map(packFields))), (bytes) => {
        refusedOr(() => unpackFields(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['a map', '91 81 a1 61 01'],
    ['a large map', '91 df ff ff ff ff'],
    ['the unused byte', '91 c1'],
    ['an extension', '91 c7 01 05 00'],
    ['a long extension', '91 c9 ff ff ff ff 05'],
    ['a record definition', '91 d4 72 01 91 a1 61 01'],
    ['a shared reference', '91 d6 70 00 00 00 01'],
    ['a timestamp', '91 d6 ff 00 00 00 00'],
    ['a big integer', '91 c7 09 42 01 00 00 00 00 00 00 00 00'],
    ['an error', '91 d4 65 00 92 a5 45 72 72 6f 72 a1 61'],
    ['a regular expression', '91 d4 78 00 92 a1 2e a0'],
    ['a set', '91 d4 73 00 91 01'],
    ['a typed array', '91 c7 05 74 06 00 00 00 00'],
    ['bundled strings', '91 d6 62 00 00 00 04 a1 61 a1 62'],
  ])('are refused before anything is built of %s', (_, hex) => {
    expect(() => checkGrammar(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(/of kind 0x/);
  });

  it.each([
    ['a number', '05'],
    ['text', 'a1 61'],
    ['nothing', 'c0'],
    ['no bytes at all', ''],
  ])('are refused if they are %s instead of an array', (_, hex) => {
    expect(() => unpackFields(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(FormatError);
  });

  it.each([
    ['an array of 2,147,483,647', 'dd 7f ff ff ff'],
    ['an array of 4,294,967,295', 'dd ff ff ff ff 00'],
    ['an array of 65,535', 'dc ff ff 00 00'],
    ['a string of 4,294,967,295 bytes', '91 db ff ff ff ff 61'],
    ['a binary of 4,294,967,295 bytes', '91 c6 ff ff ff ff 61'],
    ['arrays of arrays of 65,535', 'dc ff ff dc ff ff dc ff ff dc ff ff'],
  ])('are refused for %s that they do not hold', (_, hex) => {
    expect(() => unpackFields(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow('it ends too early');
  });

  it('are refused if more follow, without looking at what came before', () => {
    // Each element is a pair of references to the one before: as text it would have 2^60 characters.
    const reference = (kind: number, id: number): Buffer => Buffer.from([0xd6, kind, 0, 0, 0, id]);
    const doubling = Array.from({ length: 60 }, (_, index) => {
      const before = reference(0x70, index);
      return Buffer.concat([reference(0x69, index + 1), Uint8Array.of(0x92), before, before]);
    });
    const head = Buffer.concat([Uint8Array.of(0xdc, 0, 61), reference(0x69, 0), Uint8Array.of(0x90)]);
    expect(() => unpackFields(Buffer.concat([head, ...doubling, Uint8Array.of(0)]))).toThrow(FormatError);
    expect(() => unpackFields(Uint8Array.of(0x91, 1, 2))).toThrow('bytes follow after the end');
  });

  it('are refused beyond the depth of any format of ours, and far from the end of the stack', () => {
    expect(() => checkGrammar(nested(MAX_PACKED_DEPTH))).not.toThrow();
    expect(() => checkGrammar(nested(MAX_PACKED_DEPTH + 1))).toThrow('its arrays are too deep');
    expect(() => unpackFields(nested(1_000_000))).toThrow('its arrays are too deep');
  });

  it('are refused beyond the number of values', () => {
    const withValues = (count: number): Buffer => {
      const bytes = Buffer.alloc(5 + count);
      bytes[0] = 0xdd;
      bytes.writeUInt32BE(count, 1);
      return bytes;
    };
    expect(() => checkGrammar(withValues(MAX_PACKED_VALUES - 1))).not.toThrow();
    expect(() => checkGrammar(withValues(MAX_PACKED_VALUES))).toThrow('it holds too many values');
  });
});

describe('a field that is not of its kind is refused:', () => {
  const values: Readonly<Record<string, Field>> = {
    nothing: null,
    'a boolean': true,
    'an integer': 5,
    'a negative one': -5,
    'a fraction': 1.5,
    'no number': Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    'an integer that is not safe': 2 ** 53,
    text: 'text',
    bytes: Uint8Array.of(1),
    'a list': [1],
  };
  const readers: Readonly<Record<string, readonly [(reader: FieldReader) => unknown, readonly string[]]>> = {
    string: [(reader) => reader.string(), ['text']],
    'a short string': [(reader) => reader.string(3), []],
    'an optional string': [(reader) => reader.optionalString(), ['nothing', 'text']],
    bytes: [(reader) => reader.bytes(), ['bytes']],
    'optional bytes': [(reader) => reader.optionalBytes(), ['nothing', 'bytes']],
    'an integer from 0': [(reader) => reader.integer(0), ['an integer']],
    'an integer in a range': [(reader) => reader.integer(-9, 4), ['a negative one']],
    'an optional integer': [(reader) => reader.optionalInteger(0), ['nothing', 'an integer']],
    'a duration': [
      (reader) => reader.duration(),
      ['an integer', 'a fraction', 'an integer that is not safe'],
    ],
    'a boolean': [(reader) => reader.boolean(), ['a boolean']],
    'a choice': [(reader) => reader.oneOf(['text', 'other']), ['text']],
    'another choice': [(reader) => reader.oneOf(['other']), []],
    fields: [(reader) => reader.fields(), ['a list']],
    'optional fields': [(reader) => reader.optionalFields(), ['nothing', 'a list']],
  };

  it.each(Object.entries(readers))('read as %s', (_, [read, allowed]) => {
    const taken = Object.entries(values).filter(([, value]) => {
      const reader = unpackFields(packFields([value]));
      return refusedOr(() => (read(reader), true)) === true;
    });
    expect(taken.map(([name]) => name)).toEqual(allowed);
  });

  it.each(Object.entries(readers))('missing where %s should be', (_, [read]) => {
    expect(() => read(unpackFields(packFields([])))).toThrow('field 0 is missing');
  });
});
