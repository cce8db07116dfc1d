/** Where `put` takes its value from, and as what type it is stored. The rule does not look at the value. */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT } from './exit-codes.ts';
import { CommandFailure, usageFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Bytes read at most; far above what nodes take, so that their answer names the real limit. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;

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
  if (file !== undefined) return readValueFile(terminal, file);
  if (terminal.stdin.isTTY === true) {
    throw usageFailure('there is no value.', 'Give it as an argument, with --file PATH, or through a pipe.');
  }
  return collected(terminal.stdin, 'stdin');
}

async function readValueFile(terminal: Terminal, file: string): Promise<Uint8Array> {
  try {
    return await collected(createReadStream(resolve(terminal.workingDirectory, file)), file);
  } catch (thrown) {
    if (thrown instanceof CommandFailure) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CommandFailure(`cannot read ${file}: ${reason}.`, {
      exitCode: EXIT.usage,
      code: 'unreadable-file',
      cause: thrown,
    });
  }
}

/** The whole stream, which may be one without an end. */
async function collected(stream: AsyncIterable<unknown>, name: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    length += bytes.length;
    if (length > MAX_VALUE_BYTES) throw usageFailure(`${name} holds more than ${MAX_VALUE_BYTES} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
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
