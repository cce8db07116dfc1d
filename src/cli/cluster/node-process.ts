/** One node of a local cluster as a child process. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** How this command line is started: the program and the arguments before the command's own. */
export interface Launch {
  readonly program: string;
  readonly arguments: readonly string[];
}

/** How a process ended: one of the two is set. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What to start, and who hears of it. */
export interface NodeProcessOptions {
  readonly launch: Launch;
  /** The arguments of `serve`. */
  readonly serveArguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Each line of its stdout and stderr. */
  readonly onLine: (line: string) => void;
  /** Once, when the process has ended (or could not be started) and all its lines were delivered. */
  readonly onEnd: (end: ProcessEnd) => void;
}

/** A running (or ended) node. */
export interface NodeProcess {
  readonly pid: number | undefined;
  /** Sends a signal; nothing happens if the process has ended. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts `serve`. The child is in a process group of its own, so that Ctrl-C reaches only the parent, which then asks each
 * child once. It holds an IPC channel for no messages but its end: when the parent dies, even by kill -9, the channel closes,
 * and `serve --exit-with-parent` drains.
 */
export function startNodeProcess(options: NodeProcessOptions): NodeProcess {
  const child = spawn(
    options.launch.program,
    [...options.launch.arguments, 'serve', ...options.serveArguments, '--exit-with-parent'],
    {
      cwd: options.workingDirectory,
      env: options.environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      windowsHide: true,
    },
  );
  for (const stream of [child.stdout, child.stderr]) deliverLines(stream, options.onLine);
  let ended = false;
  const end = (processEnd: ProcessEnd) => {
    if (ended) return;
    ended = true;
    options.onEnd(processEnd);
  };
  child.once('error', (error) => {
    options.onLine(`could not be started: ${error.message}`);
    if (child.pid === undefined) end({ exitCode: 1, signal: null });
  });
  child.once('close', (exitCode, signal) => end({ exitCode, signal }));
  return {
    pid: child.pid,
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

function deliverLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream === null) return;
  createInterface({ input: stream }).on('line', onLine);
}
