/** One bash for the blocks of a section, so that what one block sets the next one has. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds that one step may take. */
const STEP_LIMIT_MS = 60_000;
const END = 'end-of-step';

/**
 * The page tells people to find a node's process by its command line. A test must not: it would find other people's nodes.
 * `$PIDS` holds a file for each node with the id of its process.
 */
const PKILL = `pkill() {
  local signal=TERM
  case "$1" in -KILL | -STOP | -CONT) signal=\${1#-}; shift ;; esac
  case "$1 $2" in
    '-f serve --node '*) kill "-$signal" "$(cat "$PIDS/\${2##* }")" ;;
    *) echo "no such pkill here: $*"; return 2 ;;
  esac
}`;

export interface StepResult {
  /** Standard output and standard error as they came. */
  readonly output: string;
  readonly exitCode: number;
}

export class ShellSession {
  readonly #shell: ChildProcess;
  #output = '';
  #onOutput = (): void => {};

  constructor(workingDirectory: string, environment: Readonly<Record<string, string>>) {
    // A process group of its own: a command that hangs is ended with its shell.
    this.#shell = spawn('bash', ['--noprofile', '--norc', '-o', 'pipefail'], {
      cwd: workingDirectory,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#onOutput();
      });
    }
    this.#shell.stdin?.on('error', () => {});
    this.#shell.stdin?.write(`exec 2>&1\n${PKILL}\n`);
  }

  /** Runs commands in this shell, with nothing to read. Rejects if they do not end in time, or end the shell. */
  async run(command: string): Promise<StepResult> {
    this.#output = '';
    this.#shell.stdin?.write(`{\n${command}\n} </dev/null\nprintf '\\n${END} %d\\n' "$?"\n`);
    const output = await this.#untilEnd(command);
    const at = output.lastIndexOf(`\n${END} `);
    return { output: output.slice(0, at), exitCode: Number(output.slice(at + END.length + 2)) };
  }

  async close(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#shell;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const closed = once(this.#shell, 'close');
    process.kill(-pid, 'SIGKILL');
    await closed;
  }

  #untilEnd(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new Error(`${why}:\n${command}\nIt printed:\n${this.#output}`));
      const timer = setTimeout(() => fail('did not end in time'), STEP_LIMIT_MS);
      const onClose = (): void => fail('ended the shell');
      this.#shell.once('close', onClose);
      this.#onOutput = () => {
        if (!new RegExp(`\n${END} \\d+\n$`).test(this.#output)) return;
        clearTimeout(timer);
        this.#shell.off('close', onClose);
        resolve(this.#output);
      };
    });
  }
}
