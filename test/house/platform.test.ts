/**
 * What the compiler knows of the platform in each room (src/core/tsconfig.json and its like): core cannot name a timer,
 * and client cannot name what only Node has.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ROOT, textOf, typeScriptFiles } from './project.ts';

/** Each a use of something that not every platform has. */
const USES = {
  setTimeout: 'setTimeout(() => undefined, 1)',
  setImmediate: 'setImmediate(() => undefined)',
  process: 'process.pid',
  Buffer: 'Buffer.alloc(1)',
  console: "console.log('')",
  fetch: "fetch('http://host/')",
  crypto: 'crypto.randomUUID()',
  performance: 'performance.now()',
  'node:fs': "import('node:fs')",
};
type Name = keyof typeof USES;
const NAMES = Object.keys(USES) as Name[];

const WEB: readonly Name[] = ['setTimeout', 'console', 'fetch', 'crypto', 'performance'];
const KNOWN: Readonly<Record<string, readonly Name[]>> = { core: [], ports: [], api: [], client: WEB };

function configuration(path: string): ts.ParsedCommandLine {
  const file = join(ROOT, path);
  const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, ts.sys, dirname(file));
}

/** The names that the compiler does not know in a file of this room. The file exists for the compiler only. */
function unknownIn(room: string): readonly Name[] {
  const { options } = configuration(`src/${room}/tsconfig.json`);
  const planted = join(ROOT, 'src', room, 'planted.ts');
  const text = NAMES.map((name, at) => `export const use${String(at)} = () => ${USES[name]};`).join('\n');
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (name) => name === planted || fileExists(name);
  host.getSourceFile = (name, language, ...rest) =>
    name === planted ? ts.createSourceFile(name, text, language) : getSourceFile(name, language, ...rest);
  const program = ts.createProgram([planted], options, host);
  const lines = program
    .getSemanticDiagnostics(program.getSourceFile(planted))
    .map(({ file, start }) => file?.getLineAndCharacterOfPosition(start ?? 0).line);
  return NAMES.filter((_, line) => lines.includes(line));
}

describe('types of the platform', () => {
  it.each(Object.entries(KNOWN))('in %s are only those that it may use', (room, known) => {
    expect(unknownIn(room)).toEqual(NAMES.filter((name) => !known.includes(name)));
  });

  it('are checked in every room that has its own', () => {
    const rooms = readdirSync(join(ROOT, 'src')).filter((room) =>
      existsSync(join(ROOT, 'src', room, 'tsconfig.json')),
    );
    expect(rooms).toEqual(Object.keys(KNOWN).toSorted());
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    for (const room of rooms) expect(scripts['check:types']).toContain(`-p src/${room}`);
  });

  it('are checked in all sources, tests and the bench', () => {
    const checked = ['test', 'bench/report/browser'].flatMap((directory) =>
      configuration(`${directory}/tsconfig.json`).fileNames.map((name) => relative(ROOT, name)),
    );
    const all = ['src', 'test', 'bench'].flatMap((directory) => typeScriptFiles(directory));
    expect(checked.map((name) => name.replaceAll('\\', '/')).toSorted()).toEqual(all.toSorted());
  });
});
