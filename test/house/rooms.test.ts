/** The rooms of the code import each other in one direction only (.dependency-cruiser.cjs). */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { plantTree } from './planted-tree.ts';
import { ROOT, typeScriptFiles } from './project.ts';

interface CruiseResult {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly rule: { readonly name: string };
      readonly from: string;
      readonly to: string;
    }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

/** Runs what `npm run check:rooms` runs, in a directory that has a `src`. */
async function cruise(directory: string): Promise<CruiseResult> {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const rules = join(ROOT, '.dependency-cruiser.cjs');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, '--config', rules, '--output-type', 'json', 'src'],
    { cwd: directory, maxBuffer: 64 * 1_048_576 },
  );
  return JSON.parse(stdout) as CruiseResult;
}

/** `rule: from > to`, sorted. */
function violationsIn({ summary }: CruiseResult): readonly string[] {
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} > ${to}`).sort();
}

describe('the rooms', () => {
  it('are kept by every source file', async () => {
    const result = await cruise(ROOT);
    const seen = result.modules.map(({ source }) => source).filter((source) => source.startsWith('src/'));
    // A compiler that the checker cannot use would make it see nothing, and pass.
    expect(seen.toSorted()).toEqual(typeScriptFiles('src'));
    expect(violationsIn(result)).toEqual([]);
    const rooms = result.summary.ruleSetUsed.forbidden
      .map(({ name }) => /^(.+)-imports-inward$/.exec(name)?.[1])
      .filter((room) => room !== undefined);
    expect(rooms).toEqual(expect.arrayContaining(readdirSync(join(ROOT, 'src'))));
  });

  it('are told apart: each wrong import is reported, and no right one', async () => {
    const result = await cruise(plantTree(PLANTED));
    expect(violationsIn(result)).toEqual(WRONG.toSorted());
  });
});

function importing(...modules: readonly string[]): string {
  return modules.map((module) => `import '${module}';\n`).join('');
}

const PACKAGE = { 'index.js': 'export {};\n', 'package.json': '{ "type": "module", "main": "index.js" }' };

function packageFiles(...names: readonly string[]): Record<string, string> {
  const files = names.flatMap((name) =>
    Object.entries(PACKAGE).map(([path, text]) => [`node_modules/${name}/${path}`, text] as const),
  );
  return Object.fromEntries(files);
}

const PLANTED: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    type: 'module',
    dependencies: { msgpackr: '1', 'xxhash-wasm': '1', level: '1', hono: '1', commander: '1' },
    devDependencies: { vitest: '1' },
  }),
  ...packageFiles('msgpackr', 'xxhash-wasm', 'level', 'hono', 'commander', 'vitest', 'unlisted'),

  // All that is allowed.
  'src/core/good.ts': "import type { Fine } from './fine.ts';\nexport const good: Fine = 1;\n",
  'src/core/fine.ts': 'export type Fine = number;\n',
  'src/codec/good.ts': importing('../core/good.ts', 'node:crypto', 'msgpackr', 'xxhash-wasm'),
  'src/ports/good.ts': importing('../core/good.ts'),
  'src/protocol/good.ts': importing('../core/good.ts', '../codec/good.ts', '../ports/good.ts'),
  'src/adapters/good.ts': importing(
    '../core/good.ts',
    '../codec/good.ts',
    '../ports/good.ts',
    'node:net',
    'node:fs/promises',
    'level',
  ),
  'src/api/good.ts': 'export const good = 1;\n',
  'src/server/good.ts': importing(
    '../core/good.ts',
    '../codec/good.ts',
    '../ports/good.ts',
    '../protocol/good.ts',
    '../adapters/good.ts',
    '../api/good.ts',
    'node:http',
    'hono',
  ),
  'src/client/good.ts': importing('../api/good.ts'),
  'src/dashboard/good.ts': importing('../api/good.ts'),
  'src/cli/good.ts': importing(
    '../api/good.ts',
    '../client/good.ts',
    '../server/good.ts',
    'node:fs',
    'commander',
  ),

  // One kind of wrong import each.
  'src/core/bad.ts': importing('../protocol/good.ts', 'node:fs', 'xxhash-wasm'),
  'src/core/bad-type.ts': "import type { A } from '../ports/good.ts';\nexport type B = A;\n",
  'src/core/bad-later.ts': "export const later = () => import('node:timers');\n",
  'src/codec/bad.ts': importing('../ports/good.ts', 'node:net', 'hono'),
  'src/ports/bad.ts': importing('../codec/good.ts', 'node:fs'),
  'src/protocol/bad.ts': importing(
    '../adapters/good.ts',
    'node:child_process',
    'node:timers/promises',
    'msgpackr',
  ),
  'src/adapters/bad.ts': importing('../protocol/good.ts', 'hono'),
  'src/api/bad.ts': importing('../core/good.ts', 'node:http'),
  'src/server/bad.ts': importing('../client/good.ts', '../cli/good.ts'),
  'src/server/http/bad.ts': importing('../../adapters/good.ts'),
  'src/client/bad.ts': importing('../core/good.ts', '../server/good.ts', 'node:http', 'hono'),
  'src/dashboard/bad.ts': importing('../client/good.ts'),
  'src/cli/bad.ts': importing('../core/good.ts', '../protocol/good.ts'),
  'src/core/cycle-one.ts': importing('./cycle-two.ts'),
  'src/core/cycle-two.ts': importing('./cycle-one.ts'),
  'src/core/orphan.ts': 'export const orphan = 1;\n',
  'src/server/bad-package.ts': importing('vitest', 'unlisted'),
  'src/server/bad-path.ts': importing('./nowhere.ts'),
};

const WRONG: readonly string[] = [
  'core-imports-inward: src/core/bad.ts > src/protocol/good.ts',
  'core-imports-inward: src/core/bad.ts > fs',
  'core-imports-inward: src/core/bad.ts > node_modules/xxhash-wasm/index.js',
  'core-imports-inward: src/core/bad-type.ts > src/ports/good.ts',
  'core-imports-inward: src/core/bad-later.ts > timers',
  'codec-imports-inward: src/codec/bad.ts > src/ports/good.ts',
  'codec-imports-inward: src/codec/bad.ts > net',
  'codec-imports-inward: src/codec/bad.ts > node_modules/hono/index.js',
  'ports-imports-inward: src/ports/bad.ts > src/codec/good.ts',
  'ports-imports-inward: src/ports/bad.ts > fs',
  'protocol-imports-inward: src/protocol/bad.ts > src/adapters/good.ts',
  'adapters-are-picked-in-one-place: src/protocol/bad.ts > src/adapters/good.ts',
  'protocol-imports-inward: src/protocol/bad.ts > child_process',
  'protocol-imports-inward: src/protocol/bad.ts > timers/promises',
  'protocol-imports-inward: src/protocol/bad.ts > node_modules/msgpackr/index.js',
  'adapters-imports-inward: src/adapters/bad.ts > src/protocol/good.ts',
  'adapters-imports-inward: src/adapters/bad.ts > node_modules/hono/index.js',
  'api-imports-inward: src/api/bad.ts > src/core/good.ts',
  'api-imports-inward: src/api/bad.ts > http',
  'server-imports-inward: src/server/bad.ts > src/client/good.ts',
  'server-imports-inward: src/server/bad.ts > src/cli/good.ts',
  'adapters-are-picked-in-one-place: src/server/http/bad.ts > src/adapters/good.ts',
  'client-imports-inward: src/client/bad.ts > src/core/good.ts',
  'client-imports-inward: src/client/bad.ts > src/server/good.ts',
  'client-imports-inward: src/client/bad.ts > http',
  'client-imports-inward: src/client/bad.ts > node_modules/hono/index.js',
  'dashboard-imports-inward: src/dashboard/bad.ts > src/client/good.ts',
  'cli-imports-inward: src/cli/bad.ts > src/core/good.ts',
  'cli-imports-inward: src/cli/bad.ts > src/protocol/good.ts',
  'no-cycle: src/core/cycle-one.ts > src/core/cycle-two.ts',
  'no-orphan: src/core/orphan.ts > src/core/orphan.ts',
  'no-development-package: src/server/bad-package.ts > node_modules/vitest/index.js',
  'no-development-package: src/server/bad-package.ts > node_modules/unlisted/index.js',
  'no-unresolved-import: src/server/bad-path.ts > ./nowhere.ts',
  'server-imports-inward: src/server/bad-path.ts > ./nowhere.ts',
];
