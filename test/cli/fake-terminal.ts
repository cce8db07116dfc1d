import { PassThrough, Readable } from 'node:stream';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Terminal, TerminalOutput } from '../../src/cli/terminal.ts';

/** A terminal that keeps what is printed. */
export interface FakeTerminal {
  readonly terminal: Terminal;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** What a test sets. */
export interface FakeTerminalOptions {
  readonly stdin?: string | Buffer;
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly isTTY?: boolean;
  /** Whether stdin alone is a TTY; as `isTTY` if not said. */
  readonly stdinIsTTY?: boolean;
  /** Stdin as a stream of the test's own, instead of a text. */
  readonly stdinStream?: Readable;
  /** Given the function that stands for a stop signal. */
  readonly onStopSignal?: (send: (signal: string) => void) => void;
}

/** Makes one; stdin is empty if not given, and nothing is a TTY if not said. */
export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  const out = collector(options.isTTY === true);
  const err = collector(options.isTTY === true);
  const stdin =
    options.stdinStream ?? Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]);
  return {
    terminal: {
      stdin: Object.assign(stdin, { isTTY: options.stdinIsTTY ?? options.isTTY === true }),
      stdout: out.stream,
      stderr: err.stream,
      environment: options.environment ?? {},
      workingDirectory: options.workingDirectory ?? '/nowhere',
    },
    stdout: out.text,
    stderr: err.text,
  };
}

/** Runs a command line in this process. */
export async function runCommand(
  words: readonly string[],
  options: FakeTerminalOptions = {},
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  const fake = fakeTerminal(options);
  const exitCode = await runCommandLine(words, {
    terminal: fake.terminal,
    launch: { program: process.execPath, arguments: [] },
    invocation: 'quorate',
    onStopSignal: (callback) => {
      options.onStopSignal?.(callback);
      return () => {};
    },
  });
  return { exitCode, stdout: fake.stdout(), stderr: fake.stderr() };
}

function collector(isTTY: boolean): { readonly stream: TerminalOutput; readonly text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    stream: Object.assign(stream, { isTTY, columns: 100 }),
    text: () => {
      for (
        let chunk = stream.read() as Buffer | null;
        chunk !== null;
        chunk = stream.read() as Buffer | null
      ) {
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString();
    },
  };
}
