/** What every reader can rely on: where things lie, how files are named, how long they are, that each says what it is. */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ROOT, textOf, typeScriptFiles } from './project.ts';

const TOP_LEVEL = [
  'LICENSE',
  'README.md',
  'bench',
  'cluster.config.json',
  'package-lock.json',
  'package.json',
  'src',
  'test',
  'tsconfig.json',
];

const MAX_LINES = 300;

/** Names that say nothing of what is inside, and so collect everything. */
const EMPTY_NAMES = /^(.*-)?(utils?|utilities|helpers?|common|shared|misc|managers?|types?|constants)$/;

const SOURCES = typeScriptFiles('src');

/** Whether .gitignore, which knows whole names and `*` at the start only, names this entry of the top level. */
function isIgnored(name: string): boolean {
  return textOf('.gitignore')
    .split('\n')
    .map((line) => line.replace(/\/$/, ''))
    .some((pattern) => (pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern));
}

/** Whether a source file begins with a comment that says what it is, or the first thing that it exports has one. */
function isIntroduced(path: string): boolean {
  const text = textOf(path);
  if (text.replace(/^#!.*\n/, '').startsWith('/**')) return true;
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const first = file.statements.find(
    (statement) =>
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
  );
  return first !== undefined && ts.getJSDocCommentsAndTags(first).length > 0;
}

describe('the house is tidy', () => {
  it('at the top level', () => {
    const visible = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !isIgnored(name));
    expect(visible.toSorted()).toEqual(TOP_LEVEL);
  });

  it('in the length of its source files', () => {
    const long = SOURCES.filter((path) => textOf(path).trimEnd().split('\n').length > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('in the names of its files', () => {
    const names = [...SOURCES, ...typeScriptFiles('test'), ...typeScriptFiles('bench')].map((path) => ({
      path,
      name: basename(path).replace(/(\.[a-z]+)*\.ts$/, ''),
    }));
    const shapeless = names.filter(({ name }) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name));
    const empty = names.filter(({ name }) => EMPTY_NAMES.test(name));
    expect([...shapeless, ...empty].map(({ path }) => path)).toEqual([]);
  });

  it('in that every source file says what it is', () => {
    expect(SOURCES.filter((path) => !isIntroduced(path))).toEqual([]);
  });
});
