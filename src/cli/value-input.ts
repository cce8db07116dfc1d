/** Where `put` takes its value from, and as what type it is stored. The rule does not look at the value. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT } from './exit-codes.ts';
import { CommandFailure, usageFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Bytes read from stdin at most; far above what nodes take, so that their answer names the real limit. */
const MAX_STDIN_BYTES = 64 * 1024 * 1024;

/** As commander reads them. */
export interface ValueOptions {
  readonly file?: string;
  readonly contentType?: string;
  readonly jsonValue?: boolean;
}

/** A value to store. */
export interface InputValue {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** The argument, the file, or stdin. */
export async function readValue(
  terminal: Terminal,
  argument: string | undefined,
  options: ValueOptions,
): Promise<InputValue> {
  if (argument !== undefined && options.file !== undefined) {
    throw usageFailure('give either a VALUE or --file, not both.');
  }
  const isText = argument !== undefined && argument !== '-';
  const bytes = isText ? Buffer.from(argument) : await readStream(terminal, options.file);
  if (options.jsonValue === true) assertJson(bytes);
  const byDefault = isText ? 'text/plain; charset=utf-8' : 'application/octet-stream';
  return {
    bytes,
    contentType: options.contentType ?? (options.jsonValue === true ? 'application/json' : byDefault),
  };
}

async function readStream(terminal: Terminal, file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined) return readValueFile(resolve(terminal.workingDirectory, file));
  if (terminal.stdin.isTTY === true) {
    throw usageFailure('there is no value.', 'Give it as an argument, with --file PATH, or through a pipe.');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of terminal.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    length += bytes.length;
    if (length > MAX_STDIN_BYTES) throw usageFailure(`stdin holds more than ${MAX_STDIN_BYTES} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function readValueFile(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (thrown) {
    throw new CommandFailure(
      `cannot read ${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      {
        exitCode: EXIT.usage,
        code: 'unreadable-file',
        cause: thrown,
      },
    );
  }
}

function assertJson(bytes: Uint8Array): void {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw usageFailure(
      `the value is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}.`,
      'Quote it for the shell, for instance \'{"name":"Ada"}\', or leave out --json-value to store it as text.',
    );
  }
}
