/**
 * How a command fails. A command throws a `CommandFailure` (or lets the client's `QuorateError` through); main prints it
 * once, on stderr, as one or two sentences or as JSON. Anything else that is thrown is a bug of the command line.
 */
import type { EntryBody } from '../api/bodies.ts';
import { QuorateError } from '../client/errors.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { printable, type Terminal } from './terminal.ts';

/** What a failure tells beside its message. */
export interface FailureDetails {
  readonly exitCode: ExitCode;
  /** Stable and machine-readable. */
  readonly code: string;
  /** The next step, a sentence. */
  readonly hint?: string | undefined;
  /** Further facts for `--json`. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A failure with its cause in words, its next step and its exit code. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly hint: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(message: string, details: FailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CommandFailure';
    this.exitCode = details.exitCode;
    this.code = details.code;
    this.hint = details.hint;
    this.facts = details.facts ?? {};
  }
}

/** The command was called in a way that it does not offer. */
export function usageFailure(message: string, hint?: string): CommandFailure {
  return new CommandFailure(message, { exitCode: EXIT.usage, code: 'usage', hint });
}

/** Prints what was thrown and answers the exit code. */
export function reportFailure(thrown: unknown, terminal: Terminal, json: boolean): ExitCode {
  const failure = failureOf(thrown);
  if (json) {
    const { message, code, hint, exitCode, facts } = failure;
    terminal.stderr.write(`${JSON.stringify({ error: { code, message, hint, exitCode, ...facts } })}\n`);
  } else {
    terminal.stderr.write(`quorate: ${printableLines(failure.message)}\n`);
    if (failure.hint !== undefined) terminal.stderr.write(`${printableLines(failure.hint)}\n`);
  }
  if (isSet(terminal.environment['QUORATE_DEBUG'])) {
    terminal.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  }
  return failure.exitCode;
}

/** Messages repeat what nodes and other programs said; that must not act on the terminal. */
function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}

function failureOf(thrown: unknown): CommandFailure {
  if (thrown instanceof CommandFailure) return thrown;
  if (thrown instanceof QuorateError) return fromClient(thrown);
  return new CommandFailure(thrown instanceof Error ? thrown.message : String(thrown), {
    exitCode: EXIT.failed,
    code: 'internal',
    hint: 'This is a bug of the command line. QUORATE_DEBUG=1 shows where it happened.',
    cause: thrown,
  });
}

function fromClient(error: QuorateError): CommandFailure {
  const exitCode = exitCodeOf(error);
  return new CommandFailure(error.message, {
    exitCode,
    code: error.code,
    hint: hintFor(error, exitCode),
    facts: {
      outcome: error.outcome,
      status: error.status,
      writeId: error.writeId,
      attempts: error.attempts,
      problem: error.problem,
    },
    cause: error,
  });
}

/** What the node says, and how this command goes on. */
function hintFor(error: QuorateError, exitCode: ExitCode): string | undefined {
  if (exitCode === EXIT.outcomeUnknown) {
    // A node that no longer knows the id cannot take the write for the same one again.
    const again = error.code === 'write-id-expired' ? undefined : repeatHint(error.writeId);
    return [error.hint, again].filter((part) => part !== undefined).join(' ');
  }
  if (exitCode === EXIT.preconditionFailed) return currentHint(error) ?? error.hint;
  if (exitCode === EXIT.quorumUnavailable) return error.hint ?? '`quorate status` shows which nodes are up.';
  return error.hint;
}

/** What a lost race was lost to, as the option of the next try. */
function currentHint({ problem }: QuorateError): string | undefined {
  const entry = problem?.['entry'] as Partial<EntryBody> | null | undefined;
  if (typeof entry?.etag !== 'string' || !Array.isArray(entry.siblings)) return undefined;
  const isAlive = entry.siblings.some((sibling: object) => !('deleted' in sibling));
  return isAlive
    ? `Look at it with \`quorate get\`. If it may be replaced: --if-match ${entry.etag.replaceAll('"', '')}`
    : 'It was deleted. To create it anew: --if-absent';
}

function repeatHint(writeId: string | undefined): string | undefined {
  return writeId === undefined
    ? undefined
    : `The write may have happened. Repeat it with --write-id ${writeId}: that is the same write, not a second one. Or ask what became of it: \`quorate outcome BUCKET KEY ${writeId}\`.`;
}
