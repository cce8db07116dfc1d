/**
 * What `JSON.parse` does not tell about a file that people write by hand: the line and column of a syntax error (Node 20
 * leaves out even the offset of the most frequent ones), and properties that are given twice, of which it silently keeps
 * the last. Only mistakes are looked for here; the values are read by `JSON.parse`.
 */
import type { SettingPath } from './problem.ts';

interface JsonMistakes {
  /** The first place that is not JSON, as a sentence with line and column; undefined if the text is JSON. */
  readonly syntax: string | undefined;
  /** Properties that stand twice in one object, with the line of the second. */
  readonly duplicates: readonly { readonly path: SettingPath; readonly line: number }[];
}

/** No setting lies deeper than 4. */
const MAX_DEPTH = 64;

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)/y;
/** As much of what stands there as helps to find it. */
const FOUND = /[A-Za-z0-9_.+-]{1,20}|[^]/uy;

/** Looks through the whole text; after a syntax error no further. */
export function findJsonMistakes(text: string): JsonMistakes {
  const scanner = new JsonScanner(text);
  try {
    scanner.scan();
    return { syntax: undefined, duplicates: scanner.duplicates };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const { line, column } = placeOf(text, error.offset);
    return { syntax: `Line ${line}, column ${column}: ${error.message}`, duplicates: scanner.duplicates };
  }
}

class NotJson extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

class JsonScanner {
  readonly duplicates: { readonly path: SettingPath; readonly line: number }[] = [];
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    this.#value([]);
    this.#skipSpace();
    if (this.#offset < this.#text.length) this.#fail('the end of the file');
  }

  #value(path: SettingPath): void {
    this.#skipSpace();
    if (path.length > MAX_DEPTH) throw new NotJson(this.#offset, 'no setting is nested as deeply as this.');
    if (this.#take('{')) return this.#object(path);
    if (this.#take('[')) return this.#array(path);
    if (this.#match(STRING) === undefined && this.#match(SCALAR) === undefined) this.#fail('a value');
  }

  #object(path: SettingPath): void {
    const names = new Set<string>();
    this.#skipSpace();
    if (this.#take('}')) return;
    do {
      this.#skipSpace();
      const start = this.#offset;
      const quoted = this.#match(STRING) ?? this.#fail('a property name in double quotes');
      const name = JSON.parse(quoted) as string;
      if (names.has(name)) {
        this.duplicates.push({ path: [...path, name], line: placeOf(this.#text, start).line });
      }
      names.add(name);
      this.#skipSpace();
      if (!this.#take(':')) this.#fail(`a colon after ${quoted}`);
      this.#value([...path, name]);
      this.#skipSpace();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('a comma or "}"');
  }

  #array(path: SettingPath): void {
    this.#skipSpace();
    if (this.#take(']')) return;
    let index = 0;
    do {
      this.#value([...path, index]);
      index += 1;
      this.#skipSpace();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('a comma or "]"');
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #take(character: string): boolean {
    if (this.#text[this.#offset] !== character) return false;
    this.#offset += 1;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const matched = pattern.exec(this.#text)?.[0];
    if (matched !== undefined) this.#offset += matched.length;
    return matched;
  }

  #fail(expected: string): never {
    const offset = this.#offset;
    const found = this.#match(STRING) ?? this.#match(FOUND);
    if (found === undefined) throw new NotJson(offset, `the file ends where ${expected} should stand.`);
    const shown = found.length > 1 && found.startsWith('"') ? found : JSON.stringify(found);
    const hint = this.#hint(found, this.#text.slice(0, offset));
    throw new NotJson(offset, `${expected} should stand here, not ${shown}.${hint}`);
  }

  /** What people who write JSON by hand usually meant. */
  #hint(found: string, before: string): string {
    if (found === '/') return ' JSON has no comments.';
    if (found === "'") return ' JSON has strings in double quotes only.';
    if (found === '"')
      return ' This string is not closed on its line, or holds an escape that JSON does not have.';
    if ((found === '}' || found === ']') && before.trimEnd().endsWith(','))
      return ' The last comma is one too many.';
    return '';
  }
}

/** Counted from 1; columns in UTF-16 units, as editors count. */
function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}
