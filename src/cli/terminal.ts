import type { Readable, Writable } from 'node:stream';

/** What a command sees of its process, so that a test can run it without one. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** A stream that may be a terminal, with its width. */
export type TerminalOutput = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingDirectory: process.cwd(),
  };
}

/** Whether output to this stream may be coloured: only on a terminal, and not where NO_COLOR is set (no-color.org). */
export function isColoured(output: TerminalOutput, terminal: Terminal): boolean {
  return output.isTTY === true && (terminal.environment['NO_COLOR'] ?? '') === '';
}

/** Writes one JSON document and a line end to stdout. */
export function printJson(terminal: Terminal, document: unknown): void {
  terminal.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Writes a line to stdout. */
export function printLine(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`);
}

/**
 * The text with everything replaced that could move the cursor or change a terminal's state. Keys and values are written by
 * others; what they hold must not act on the terminal of who lists them.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return `\\u{${hex}}`;
  });
}
