/** One command of the command line as a child process, as people run it: `quorate import …`. */
import type { ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { startProgram } from './built-program.ts';

export interface CommandEnd {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandProcess {
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;

  constructor(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = startProgram({ words, stdio: ['ignore', 'pipe', 'pipe'], environment });
    this.ended = this.#end();
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it at once if it still runs. */
  async kill9(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async #end(): Promise<CommandEnd> {
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('the command has no output');
    const exitCode = new Promise<number | null>((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', resolve);
    });
    const [code, out, error] = await Promise.all([exitCode, text(stdout), text(stderr)]);
    return { exitCode: code, stdout: out, stderr: error };
  }
}
