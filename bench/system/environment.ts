/** What a reader must know to judge or repeat figures: the code, the machine, the command. */
import { execFile } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { slownessAfterPause } from './after-pause.ts';

/** The circumstances of one run. */
export interface Environment {
  readonly date: string;
  readonly command: string;
  /** Undefined outside of a git checkout; ends in `-dirty` with changes that are not committed. */
  readonly commit: string | undefined;
  readonly nodeVersion: string;
  readonly system: string;
  readonly cpuModel: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Load of the last minute before the start; undisturbed figures need it near 0. */
  readonly loadBefore: number;
  /** What has not run for 10 ms takes so many times as long: see after-pause.ts. */
  readonly slownessAfterPause: number;
}

/** Looks around, once, before anything is started. */
export async function describeEnvironment(projectDirectory: string): Promise<Environment> {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    command: ['npm run bench', ...separated(process.argv.slice(2))].join(' '),
    commit: await commitOf(projectDirectory),
    nodeVersion: process.version,
    system: `${type()} ${release()}`,
    cpuModel: processors[0]?.model.trim() ?? 'unknown',
    cpuCount: processors.length,
    memoryBytes: totalmem(),
    loadBefore: loadavg()[0] ?? 0,
    slownessAfterPause: await slownessAfterPause(),
  };
}

/** npm hands on what follows two dashes. */
function separated(options: readonly string[]): readonly string[] {
  return options.length === 0 ? [] : ['--', ...options];
}

async function commitOf(directory: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      'git',
      ['describe', '--always', '--dirty', '--exclude=*', '--abbrev=12'],
      { cwd: directory },
    );
    return stdout.trim();
  } catch {
    return undefined;
  }
}
