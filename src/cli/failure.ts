/**
 * How a command fails. A command throws a `CommandFailure` (or lets the client's `QuorateError` through); main prints it
 * once, on stderr, as one or two sentences or as JSON. Anything else that is thrown is a bug of the command line.
 */
import { QuorateError } from '../client/errors.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

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
    terminal.stderr.write(`quorate: ${failure.message}\n`);
    if (failure.hint !== undefined) terminal.stderr.write(`${failure.hint}\n`);
  }
  if (isSet(terminal.environment['QUORATE_DEBUG'])) {
    terminal.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  }
  return failure.exitCode;
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
    hint: error.hint ?? defaultHint(exitCode, error.writeId),
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

function defaultHint(exitCode: ExitCode, writeId: string | undefined): string | undefined {
  if (exitCode === EXIT.outcomeUnknown && writeId !== undefined) {
    return `The write may have happened. Repeat it with --write-id ${writeId}: that is the same write, not a second one.`;
  }
  if (exitCode === EXIT.quorumUnavailable) return '`quorate status` shows which nodes are up.';
  return undefined;
}
