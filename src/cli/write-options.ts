/** What `put`, `cas` and `delete` have in common: their options, their headers, and what they print. */
import type { Command } from 'commander';
import { HEADERS } from '../api/headers.ts';
import type { CommandContext } from './command-context.ts';
import { addConnectionOptions, type ConnectionOptions } from './connection.ts';
import { entryFacts, factLines, type EntryFacts } from './entry-facts.ts';
import type { EntryAnswer } from './entry-request.ts';
import { headerText, writeId } from './option-values.ts';
import { addQuorumOptions, quorumHeaders, type QuorumOptions } from './quorum-options.ts';
import { printJson, printLine, printable } from './terminal.ts';

/** As commander reads them. */
export interface WriteOptions extends ConnectionOptions, QuorumOptions {
  readonly context?: string;
  readonly writeId?: string;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Adds them, quorum and connection included. */
export function addWriteOptions(command: Command): Command {
  return addConnectionOptions(addQuorumOptions(command))
    .option('--context <token>', 'supersede exactly what was seen with this token', headerText)
    .option('--write-id <id>', 'id of a write that was tried before: repeating it is the same write', writeId)
    .option('--if-match <etag>', 'only if the entry still has this ETag', headerText)
    .option('--if-absent, --if-none-match', 'only if the entry holds nothing')
    .option('-v, --verbose', 'context, ETag and quorum on stderr')
    .option('--json', 'print the result as JSON');
}

/** The request headers for the options that were given. */
export function writeHeaders(options: WriteOptions): Readonly<Record<string, string>> {
  return {
    ...quorumHeaders(options),
    ...(options.context === undefined ? {} : { [HEADERS.context]: options.context }),
    ...conditionHeaders(options),
  };
}

/** A lost race is to show what is there instead. */
function conditionHeaders({ ifMatch, ifNoneMatch }: WriteOptions): Readonly<Record<string, string>> {
  if (ifMatch === undefined && ifNoneMatch !== true) return {};
  return {
    ...(ifMatch === undefined ? {} : { 'If-Match': entityTag(ifMatch) }),
    ...(ifNoneMatch === true ? { 'If-None-Match': '*' } : {}),
    Prefer: 'return=representation',
  };
}

/** Shells eat the quotes of an ETag; they are put back. */
function entityTag(text: string): string {
  return /^(W\/)?"/.test(text) || text === '*' ? text : `"${text}"`;
}

/** Prints what was done; `done` is the word for it. */
export function printWritten(
  context: CommandContext,
  answer: EntryAnswer,
  options: WriteOptions,
  done: 'created' | 'stored' | 'deleted',
): void {
  const { terminal } = context;
  // What a write answers has a type of its own, and is not the value.
  const { contentType: _, ...facts } = entryFacts(answer);
  if (options.verbose === true) {
    for (const line of factLines(facts)) terminal.stderr.write(`${printable(line)}\n`);
  }
  if (options.json === true) {
    printJson(terminal, { result: done, ...facts });
  } else {
    printLine(terminal, printable(`${done}${facts.quorum === undefined ? '' : ` (${facts.quorum})`}`));
    if (facts.context !== undefined) printLine(terminal, `context: ${printable(facts.context)}`);
  }
  const note = siblingNote(facts, done);
  if (note !== undefined) terminal.stderr.write(`${note}\n`);
}

function siblingNote(facts: EntryFacts, done: string): string | undefined {
  const siblings = facts.siblings ?? 0;
  if (done === 'deleted') {
    return siblings > 0 ? `Values that the deletion had not seen remain: ${siblings}.` : undefined;
  }
  return siblings > 1
    ? `The key now holds ${siblings} values that were written concurrently. \`quorate get\` lists them and shows how to resolve them.`
    : undefined;
}
