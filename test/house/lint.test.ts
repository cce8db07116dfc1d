/**
 * The rules of .oxlintrc.json that the design rests on, above all: core, codec and protocol are a function of their
 * inputs, so that a simulation can replay them from a seed.
 */
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plantTree } from './planted-tree.ts';
import { ROOT, textOf, typeScriptFiles } from './project.ts';

const PURE_ROOMS = ['core', 'codec', 'ports', 'protocol'];

interface LintResult {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
  readonly number_of_files: number;
}

/** Runs what `npm run check:lint` runs, in a directory that has the configuration. */
function lint(directory: string, ...paths: readonly string[]): LintResult {
  const program = join(ROOT, 'node_modules/oxlint/bin/oxlint');
  const { stdout } = spawnSync(
    process.execPath,
    [program, '--type-aware', '--deny-warnings', '--format', 'json', ...paths],
    { cwd: directory, encoding: 'utf8', maxBuffer: 64 * 1_048_576 },
  );
  return JSON.parse(stdout) as LintResult;
}

/** Lints one file at a path; answers the rules that it breaks, for each line that breaks any. */
function brokenIn(path: string, lines: readonly string[]): readonly string[][] {
  const directory = plantTree({
    '.oxlintrc.json': textOf('.oxlintrc.json'),
    'tsconfig.json': textOf('tsconfig.json'),
    [path]: `${lines.join('\n')}\n`,
  });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  const { diagnostics } = lint(directory, 'src');
  return lines.map((_, index) => [
    ...new Set(
      diagnostics
        .filter(({ labels }) => labels[0]?.span.line === index + 1)
        .map(({ code }) => code.replace(/^.*\((.+)\)$/, '$1')),
    ),
  ]);
}

/** One use of the machine in each line. */
const IMPURE: readonly (readonly [rule: string, line: string])[] = [
  ['no-restricted-globals', 'export const a = (): number => Date.now();'],
  ['no-restricted-globals', 'export const b = (): unknown => new Date();'],
  ['no-restricted-globals', 'export const c = (): number => globalThis.Date.now();'],
  ['no-restricted-globals', 'export const d = (): number => performance.now();'],
  ['no-restricted-globals', 'export const e = (): unknown => setTimeout(() => undefined, 1);'],
  ['no-restricted-globals', 'export const f = (): unknown => setInterval(() => undefined, 1);'],
  ['no-restricted-globals', 'export const g = (): unknown => setImmediate(() => undefined);'],
  ['no-restricted-globals', 'export const h = (): string => crypto.randomUUID();'],
  ['no-restricted-globals', "export const i = (): unknown => fetch('http://host/');"],
  ['no-restricted-globals', 'export const j = (): number => process.pid;'],
  ['no-restricted-globals', "export const k = (): void => console.log('');"],
  ['no-restricted-properties', 'export const l = (): number => Math.random();'],
  ['no-restricted-properties', "export const m = (): number => 'a'.localeCompare('b');"],
  ['no-restricted-imports', "export { randomBytes } from 'node:crypto';"],
];

const PURE = [
  "import { createHmac } from 'node:crypto';",
  "export const proof = (): Buffer => createHmac('sha256', 'secret').digest();",
  'export const wait = async (): Promise<number> => Promise.resolve(Math.max(1, 2));',
];

describe('the lint rules', () => {
  it('hold in the rooms that a simulation replays', () => {
    const rooms = PURE_ROOMS.map((room) => `src/${room}`);
    const { diagnostics, number_of_files: seen } = lint(ROOT, ...rooms);
    expect(diagnostics.map(({ code, filename }) => `${filename}: ${code}`)).toEqual([]);
    expect(seen).toBe(rooms.flatMap((room) => typeScriptFiles(room)).length);
  });

  it.each(PURE_ROOMS)('keep time, chance and the machine out of %s', (room) => {
    const broken = brokenIn(
      `src/${room}/planted.ts`,
      IMPURE.map(([, line]) => line),
    );
    expect(broken).toEqual(IMPURE.map(([rule]) => [rule]));
    expect(brokenIn(`src/${room}/planted.ts`, PURE)).toEqual(PURE.map(() => []));
  });

  it('report a promise that nobody waits for, a case that nobody decides, a default export, an open end', () => {
    const broken = brokenIn('src/protocol/planted.ts', [
      'export async function later(): Promise<void> { await Promise.resolve(); }',
      'export function forget(): void { later(); }',
      'export function ignore(list: string[]): void { list.forEach(later); }',
      "export function weight(kind: 'a' | 'b'): number { switch (kind) { case 'a': return 1; } return 2; }",
      'export const parsed: unknown = (JSON.parse("") as any).field;',
      'export default later;',
      '// TODO: the rest.',
    ]);
    expect(broken).toEqual([
      [],
      ['no-floating-promises'],
      ['no-misused-promises'],
      ['switch-exhaustiveness-check'],
      expect.arrayContaining(['no-explicit-any', 'no-unsafe-member-access']),
      ['no-default-export'],
      ['no-warning-comments'],
    ]);
  });
});
