/** Characters that could act on a terminal, or that cannot be seen. */
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/**
 * The text as one word of a shell, so that a printed command can be pasted. What could act on the terminal that shows it
 * is written as an escape (`$'...'`: POSIX 2024, bash, zsh).
 */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text)) return text;
  if (!INVISIBLE.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = [...text].map((character) => {
    if (character === "'" || character === '\\') return `\\${character}`;
    return INVISIBLE.test(character) ? octalBytes(character) : character;
  });
  return `$'${escaped.join('')}'`;
}

/** Each byte of UTF-8 as three octal digits: the only form that never runs together with what follows. */
function octalBytes(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
