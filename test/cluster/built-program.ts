/** The built program as child processes. Whatever ends the test run, none of them is left behind, not even a stopped one. */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the built program lies. Another build can be put to the test by this variable. */
const MAIN =
  process.env['QUORATE_TEST_MAIN'] ?? fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const running = new Set<ChildProcess>();

for (const end of ['exit', 'disconnect'] as const) {
  // The second: the test runner is gone, and this process, its worker, may be waiting for a test that never ends.
  process.once(end, () => {
    for (const child of running) child.kill('SIGKILL');
  });
}

export interface ProgramStart {
  /** What stands on the command line. */
  readonly words: readonly string[];
  readonly stdio: StdioOptions;
  /** Beside the environment of the tests, of which settings of the program are left out. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts `quorate` with these words. Throws if it was not built. */
export function startProgram({ words, stdio, environment = {} }: ProgramStart): ChildProcess {
  if (!existsSync(MAIN)) {
    throw new Error(`There is no ${MAIN}: these tests start the built program. Run "npm run build" first.`);
  }
  const child = spawn(process.execPath, [MAIN, ...words], {
    stdio,
    env: { ...environmentWithoutSettings(), ...environment },
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Settings of whoever runs the tests must not reach the program. */
function environmentWithoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QUORATE_')));
}
