/** The tests of the page can fail: what they are made of tells a true page from a false one. */
import { describe, expect, it } from 'vitest';
import { isExpectedOutput } from './expected-output.ts';
import { commandsOf, printedBy, sectionsOf, stepsOf } from './readme-text.ts';

describe('output is what the page says', () => {
  it.each([
    ['nothing', [], '\n'],
    ['the same', ['one', 'two'], 'one\ntwo\n'],
    ['other gaps and line ends', ['a  b', 'c'], '  a b\r\n\r\nc'],
    ['anything within a line', ['{"id":"…","n":1}'], '{"id":"x.y","n":1}'],
    ['any number of lines', ['first', '…', 'last'], 'first\n1\n2\nlast'],
    ['no line at all', ['first', '…'], 'first'],
  ])('%s', (_, expected, output) => {
    expect(isExpectedOutput(expected, output)).toBe(true);
  });

  it.each([
    ['something where nothing is said', [], 'an error'],
    ['nothing where something is said', ['one'], ''],
    ['a line too many', ['one'], 'one\ntwo'],
    ['a line too few', ['one', 'two'], 'one'],
    ['another order', ['one', 'two'], 'two\none'],
    ['more in a line', ['one'], 'one and more'],
    ['another part around what may be anything', ['{"id":"…","n":1}'], '{"id":"x","n":2}'],
    ['what an expression would take', ['a.c'], 'abc'],
    ['the end missing after any number of lines', ['first', '…', 'last'], 'first\n1\n2'],
  ])('not %s', (_, expected, output) => {
    expect(isExpectedOutput(expected, output)).toBe(false);
  });
});

describe('the page is taken apart', () => {
  it('into sections with their blocks, by language and line', () => {
    const page = ['# Page', 'text', '```sh', 'echo', '# -> no', '```', '## Next', '```ts', 'let', '```'].join(
      '\n',
    );
    expect(sectionsOf(page)).toEqual([
      { title: 'Page', text: 'text', blocks: [{ language: 'sh', code: 'echo\n# -> no', line: 4 }] },
      { title: 'Next', text: '', blocks: [{ language: 'ts', code: 'let', line: 9 }] },
    ]);
    expect(() => sectionsOf('# Page\n```sh\necho')).toThrow(/line 3 does not end/);
  });

  it('into steps, of which each but the last ends with what it prints', () => {
    const code = 'a\nb\n# -> 1\n# -> 2\nc';
    expect(stepsOf(code)).toEqual([
      { command: 'a\nb', expected: ['1', '2'] },
      { command: 'c', expected: [] },
    ]);
    expect(commandsOf(code)).toBe('a\nb\nc');
    expect(() => stepsOf('# -> 1')).toThrow(/no command/);
  });

  it('into what a program prints', () => {
    expect(printedBy('log(1); // -> 1\n// a comment\nlog(2); // -> [ 2 ]')).toEqual(['1', '[ 2 ]']);
  });
});
