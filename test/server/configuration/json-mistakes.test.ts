import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonMistakes } from '../../../src/server/configuration/json-mistakes.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON with a piece taken out, put in or exchanged. */
const nearlyJson = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('', '"', ',', ':', '{', ']', '0', '-', '\\', ' ', 'e', '\n', '.'),
  )
  .map(([json, place, length, piece]) => {
    const at = place % (json.length + 1);
    return json.slice(0, at) + piece + json.slice(at + length);
  });

describe('findJsonMistakes', () => {
  it('takes for JSON exactly what JSON.parse does', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), nearlyJson, fc.string()), (text) => {
        expect(findJsonMistakes(text).syntax === undefined).toBe(isJson(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['', 'Line 1, column 1: the file ends where a value should stand.'],
    ['{\n  "a": 1\n', 'Line 3, column 1: the file ends where a comma or "}" should stand.'],
    ['{\n  "a": 1\n  "b": 2 }', 'Line 3, column 3: a comma or "}" should stand here, not "b".'],
    ['{ "a" 1 }', 'Line 1, column 7: a colon after "a" should stand here, not "1".'],
    [
      '{ "a": 1, }',
      'Line 1, column 11: a property name in double quotes should stand here, not "}". The last comma is one too many.',
    ],
    ['[1, 2,\n]', 'Line 2, column 1: a value should stand here, not "]". The last comma is one too many.'],
    [
      '{ // ports\n}',
      'Line 1, column 3: a property name in double quotes should stand here, not "/". JSON has no comments.',
    ],
    [
      "{ 'a': 1 }",
      `Line 1, column 3: a property name in double quotes should stand here, not "'". JSON has strings in double quotes only.`,
    ],
    [
      '{ cluster: 1 }',
      'Line 1, column 3: a property name in double quotes should stand here, not "cluster".',
    ],
    ['{ "a": tru }', 'Line 1, column 8: a value should stand here, not "tru".'],
    ['{ "a": 07 }', 'Line 1, column 9: a comma or "}" should stand here, not "7".'],
    ['{} {}', 'Line 1, column 4: the end of the file should stand here, not "{".'],
  ])('says where and what in %j', (text, syntax) => {
    expect(findJsonMistakes(text).syntax).toBe(syntax);
  });

  it('says that a string is not closed', () => {
    expect(findJsonMistakes('{ "a": "b\n }').syntax).toContain('This string is not closed on its line');
  });

  it('gives up on nesting that no file needs, without running out of stack', () => {
    expect(findJsonMistakes('['.repeat(1_000_000)).syntax).toContain('Line 1, column 66');
  });

  it('finds properties that are given twice, however they are escaped', () => {
    const text = '{\n "a": 1,\n "b": [{ "c": 1, "\\u0063": 2 }],\n "a": 3,\n "__proto__": 1 }';
    expect(findJsonMistakes(text).duplicates).toEqual([
      { path: ['b', 0, 'c'], line: 3 },
      { path: ['a'], line: 4 },
    ]);
  });
});
