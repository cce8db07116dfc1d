import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellWord } from '../../src/cli/shell-word.ts';

test('a shell reads a word back as the text that it is', () => {
  const hostile = [
    '',
    "it's",
    'a b',
    '$HOME `id` "x" \\',
    'a\u001b[2J\u00079',
    "\u0007'\\0",
    '\u{202e}🦊',
    '-n',
    '~',
    '*',
  ];
  const words = [...hostile, ...fc.sample(fc.string({ unit: 'binary' }), { numRuns: 200, seed: 7 })]
    // Neither an argument nor a shell's word can hold a NUL or a lone surrogate.
    .filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));
  const script = words.map((text) => `printf '%s\\0' ${shellWord(text)}`).join('\n');
  const printed = execFileSync('bash', ['-c', script], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  expect(printed.split('\0').slice(0, -1)).toEqual(words);
});

test('a word shows nothing that could act on a terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(shellWord(text)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }),
  );
});

test('what needs no quotes has none', () => {
  expect(shellWord('http://127.0.0.1:7001/a_b-c')).toBe('http://127.0.0.1:7001/a_b-c');
});
