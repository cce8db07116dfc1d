/** The package as its users get it. Looks at `dist`, so `npm run build` comes first; `npm test` does that. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { plantTree } from './planted-tree.ts';
import { ROOT, textOf, typeScriptFiles } from './project.ts';

const run = promisify(execFile);

interface Metadata {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly type: string;
  readonly engines: { readonly node: string };
  readonly bin: { readonly quorate: string };
  readonly exports: { readonly '.': { readonly types: string; readonly default: string } };
}

const METADATA = JSON.parse(textOf('package.json')) as Metadata;

/** A project that has the package installed, as a link. */
function dependentProject(files: Readonly<Record<string, string>>): string {
  const directory = plantTree({ 'package.json': '{ "type": "module" }', ...files });
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(ROOT, join(directory, 'node_modules', METADATA.name), 'dir');
  return directory;
}

describe('the package', () => {
  it('says what it is, what it needs, and under which license it comes', () => {
    expect(METADATA).toMatchObject({ name: 'quorate', type: 'module', license: 'MIT' });
    expect(METADATA.engines.node).toBe('>=20.19');
    expect(METADATA.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(textOf('LICENSE')).toMatch(/^MIT License\n/);
  });

  it('holds the whole build and nothing else', async () => {
    // Without scripts, because the one that builds would take `dist` away from under other tests.
    const { stdout } = await run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: ROOT });
    const [packed] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }];
    const built = typeScriptFiles('src')
      .map((path) => path.replace(/^src\/(.*)\.ts$/, 'dist/$1'))
      .flatMap((path) => [`${path}.js`, `${path}.d.ts`]);
    const beside = ['LICENSE', 'README.md', 'cluster.config.json', 'package.json'];
    expect(packed.files.map(({ path }) => path).toSorted()).toEqual([...beside, ...built].toSorted());
  });

  it('gives a client to JavaScript', async () => {
    const directory = dependentProject({
      'main.js': "import * as quorate from 'quorate';\nconsole.log(typeof quorate.connect);\n",
    });
    const { stdout } = await run(process.execPath, ['--preserve-symlinks', 'main.js'], { cwd: directory });
    expect(stdout).toBe('function\n');
  });

  it.each([
    ['a program for Node', { module: 'nodenext', lib: ['es2023', 'dom'] }],
    ['a page for browsers', { module: 'preserve', moduleResolution: 'bundler', lib: ['es2022', 'dom'] }],
  ])('gives types that hold by themselves to %s', (_, compilerOptions) => {
    const directory = dependentProject({
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          ...compilerOptions,
          target: 'es2022',
          types: [],
          strict: true,
          exactOptionalPropertyTypes: true,
          // The platform's own declarations are large and not in question.
          skipDefaultLibCheck: true,
          noEmit: true,
        },
        files: ['main.ts'],
      }),
      'main.ts': [
        "import { connect } from 'quorate';",
        "const client = connect({ nodes: ['http://127.0.0.1:7101'] });",
        '// @ts-expect-error nodes is a list',
        'connect({ nodes: 1 });',
        'export { client };',
        '',
      ].join('\n'),
    });
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', directory], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('has a command that runs', async () => {
    const command = join(ROOT, METADATA.bin.quorate);
    expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const { stdout } = await run(process.execPath, [command, '--version']);
    expect(stdout.trim()).toBe(METADATA.version);
  });
});
