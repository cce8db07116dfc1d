/**
 * README.md is true: every block is run, on a cluster of real processes, and prints what the page says. The programs are
 * checked by the compiler against what the package exports; the configurations are valid.
 *
 * The blocks of one section follow from each other: its shell blocks share a shell, and its TypeScript blocks are one
 * program. Sections do not.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../house/project.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { isExpectedOutput } from './expected-output.ts';
import { type ReadmeCluster, startReadmeCluster } from './readme-cluster.ts';
import {
  type Block,
  commandsOf,
  LANGUAGES,
  printedBy,
  SECTIONS,
  type Section,
  stepsOf,
} from './readme-text.ts';
import type { ShellSession } from './shell-session.ts';

const run = promisify(execFile);

/** As strict as the project itself, so that the page does not teach what a strict project refuses. */
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023'],
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noUnusedLocals: true,
  skipLibCheck: true,
  noEmit: true,
};

let readme: ReadmeCluster;
beforeAll(async () => {
  readme = await startReadmeCluster();
});
afterAll(() => readme?.cluster.close());

/** Runs the commands of a shell block one after the other, and compares what they print. */
async function expectBlock(shell: ShellSession, { code }: Block): Promise<void> {
  for (const { command, expected } of stepsOf(code)) {
    const { output, exitCode } = await shell.run(readme.withRealPorts(command));
    const printed = readme.withPagePorts(output);
    if (!isExpectedOutput(expected, printed)) expect(printed, command).toBe(expected.join('\n'));
    expect(exitCode, `${command}\n${printed}`).toBe(0);
  }
}

async function expectCommands(blocks: readonly Block[]): Promise<void> {
  const shell = readme.openShell();
  try {
    for (const block of blocks) {
      const exception = EXCEPTIONS.get(commandsOf(block.code));
      await readme.notePids();
      if (exception?.repeat === true) {
        await readme.cluster.eventually(block.code, () => expectBlock(shell, block));
      } else if (exception?.run !== false) await expectBlock(shell, block);
      await exception?.afterwards?.(readme);
    }
  } finally {
    await shell.close();
  }
}

/** Checks and runs a program as a file of the checkout. */
async function expectProgram(name: string, blocks: readonly Block[]): Promise<void> {
  const directory = join(readme.cluster.directory, 'data');
  const program = readme.withRealPorts(blocks.map(({ code }) => code).join('\n'));
  await writeFile(join(directory, `${name}.ts`), program);
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: [`${name}.ts`] }),
  );
  const options = { cwd: readme.cluster.directory, env: readme.environment };
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout: mistakes } = await run(process.execPath, [compiler, '-p', 'data'], options).catch(
    (error: unknown) => error as { readonly stdout: string },
  );
  expect(mistakes).toBe('');
  const tsx = join(ROOT, 'node_modules/tsx/dist/cli.mjs');
  const { stdout, stderr } = await run(process.execPath, [tsx, `data/${name}.ts`], options);
  const expected = printedBy(program);
  if (!isExpectedOutput(expected, stdout)) expect(stdout).toBe(expected.join('\n'));
  expect(stderr).toBe('');
}

function having(language: string): readonly { readonly title: string; readonly blocks: readonly Block[] }[] {
  return SECTIONS.flatMap(({ title, blocks }: Section) => {
    const chosen = blocks.filter((block) => block.language === language);
    return chosen.length === 0 ? [] : [{ title, blocks: chosen }];
  });
}

describe('the commands of the section', () => {
  it.each(having('sh'))('$title', async ({ blocks }) => {
    await expectCommands(blocks);
  });
});

describe('the program of the section', () => {
  it.each(having('ts'))('$title', async ({ title, blocks }) => {
    await expectProgram(title.toLowerCase().replaceAll(/[^a-z]+/g, '-'), blocks);
  });
});

describe('the configuration in the section', () => {
  it.each(having('json'))('$title', async ({ blocks }) => {
    for (const [index, { code }] of blocks.entries()) {
      const file = `example-${index}.json`;
      await writeFile(join(readme.cluster.directory, file), code);
      const shell = readme.openShell();
      const { output, exitCode } = await shell.run(`node dist/cli/main.js config check --config ${file}`);
      await shell.close();
      expect(output).toContain('is valid.');
      expect(exitCode).toBe(0);
    }
  });
});

describe('of the blocks', () => {
  const blocks = SECTIONS.flatMap((section) => section.blocks);

  it('all have a language that a test looks after', () => {
    const strange = blocks.filter(({ language }) => !LANGUAGES.includes(language));
    expect(strange.map(({ line, language }) => `line ${line}: "${language}"`)).toEqual([]);
  });

  it('those that are not simply run are still there', () => {
    const codes = new Set(blocks.map(({ code }) => commandsOf(code)));
    expect([...EXCEPTIONS.keys()].filter((commands) => !codes.has(commands))).toEqual([]);
  });

  it('each program and most commands say what they print', () => {
    for (const { blocks: programs } of having('ts')) {
      expect(programs.flatMap(({ code }) => printedBy(code))).not.toEqual([]);
    }
    expect(
      blocks.flatMap(({ code }) => code.split('\n').filter((line) => line.startsWith('# ->'))).length,
    ).toBeGreaterThan(20);
  });
});
