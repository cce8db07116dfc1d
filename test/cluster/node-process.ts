/** One real node as a child process: `quorate serve`, its log, its signals, and its end. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { startProgram } from './built-program.ts';

/** What `serve` is told. */
export interface ServeArguments {
  readonly node: string;
  /** Path of the configuration file. */
  readonly config: string;
  /** Directory that holds the directories of the nodes. */
  readonly data: string;
}

/** How a process ended: one of the two is set. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class NodeProcess {
  /** Resolves when the process has ended and all its output was read. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #end: ProcessEnd | undefined;

  constructor({ node, config, data }: ServeArguments, environment: Readonly<Record<string, string>> = {}) {
    this.#child = startProgram({
      words: ['serve', '--node', node, '--config', config, '--data', data, '--exit-with-parent'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      environment,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#lines.push(line));
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (exitCode, signal) => {
        this.#end = { exitCode, signal };
        resolve(this.#end);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Undefined while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /** What it wrote to standard output and standard error so far. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Sends a signal; nothing happens if the process has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it at once, stopped or not. */
  async kill9(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs a `serve` that is expected to end by itself, and gives how. It is killed, and the promise rejects, after `limitMs`. */
export async function serveToEnd(
  serve: ServeArguments,
  limitMs = 20_000,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const node = new NodeProcess(serve);
  const timer = setTimeout(() => node.signal('SIGKILL'), limitMs);
  const { exitCode } = await node.ended;
  clearTimeout(timer);
  if (exitCode === null) throw new Error(`${serve.node} did not end within ${limitMs} ms:\n${node.output}`);
  return { exitCode, output: node.output };
}
