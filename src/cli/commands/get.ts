import type { Command } from 'commander';
import type { EntryBody, LiveSiblingBody } from '../../api/bodies.ts';
import { ENTRY_MEDIA_TYPE, HEADERS } from '../../api/headers.ts';
import type { CommandContext } from '../command-context.ts';
import { addConnectionOptions, withConnection, type ConnectionOptions } from '../connection.ts';
import { entryFacts, factLines } from '../entry-facts.ts';
import type { EntryName } from '../entry-name.ts';
import { requestEntry, type EntryAnswer } from '../entry-request.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failure.ts';
import { headerText } from '../option-values.ts';
import { addQuorumOptions, quorumHeaders, type QuorumOptions } from '../quorum-options.ts';
import { shellWord } from '../shell-word.ts';
import { printTable } from '../table.ts';
import { printJson, printable } from '../terminal.ts';

interface GetOptions extends ConnectionOptions, QuorumOptions {
  readonly context?: string;
  readonly sibling?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Characters of a sibling's value that its row shows. */
const PREVIEW_CHARACTERS = 48;

const decoder = new TextDecoder();

/** `quorate get BUCKET KEY`: the bytes of the value on stdout. Siblings are listed on stderr, exit code 5. */
export function addGetCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('get')
    .summary('print a value')
    .description(
      'Prints the bytes of a value. Several values (siblings) are listed on stderr, with exit code 5.',
    )
    .argument('<bucket>')
    .argument('<key>');
  addConnectionOptions(addQuorumOptions(command))
    .option('--context <token>', 'what was seen before, for --consistency session', headerText)
    .option('--sibling <id>', 'print this one of several siblings')
    .option('-v, --verbose', 'context, ETag and quorum on stderr')
    .option('--json', 'print the entry with all siblings as JSON')
    .action(async (bucket: string, key: string, options: GetOptions) => {
      await withConnection(context.terminal, options, async (connection) => {
        const answer = await requestEntry(connection, {
          method: 'GET',
          entry: { bucket, key },
          query: siblingQuery(options.sibling),
          headers: {
            ...quorumHeaders(options),
            ...(options.context === undefined ? {} : { [HEADERS.context]: options.context }),
            accept: options.json === true && options.sibling === undefined ? ENTRY_MEDIA_TYPE : '*/*',
          },
        });
        printAnswer(context, { bucket, key }, answer, options);
      });
    });
}

function siblingQuery(sibling: string | undefined): string {
  return sibling === undefined ? '' : `?sibling=${encodeURIComponent(sibling)}`;
}

function printAnswer(
  context: CommandContext,
  name: EntryName,
  answer: EntryAnswer,
  options: GetOptions,
): void {
  const { terminal } = context;
  const facts = entryFacts(answer);
  if (options.verbose === true) {
    for (const line of factLines(facts)) terminal.stderr.write(`${printable(line)}\n`);
  }
  if (answer.status === 404) throw notFound(name, answer, facts.context);
  if (options.json === true && options.sibling === undefined) {
    const { quorum, coordinator, node } = facts;
    const entry = envelopeOf(answer);
    printJson(terminal, { ...entry, quorum, coordinator, node });
    if (liveSiblings(entry).length > 1) context.finish(EXIT.siblings);
    return;
  }
  if (answer.status === 300) {
    printSiblings(context, name, envelopeOf(answer));
    context.finish(EXIT.siblings);
    return;
  }
  printValue(context, answer.body, facts.contentType);
}

function notFound(name: EntryName, answer: EntryAnswer, causalContext: string | undefined): CommandFailure {
  const deleted = causalContext !== undefined;
  return new CommandFailure(
    `${printable(name.bucket)}/${printable(name.key)} ${deleted ? 'was deleted' : 'holds nothing'}.`,
    {
      exitCode: EXIT.notFound,
      code: 'not-found',
      hint: deleted ? `To write it anew as seen: --context ${causalContext}` : undefined,
      facts: { outcome: 'not-applied', status: answer.status, context: causalContext },
    },
  );
}

/** The envelope in an answer. Throws if there is none. */
function envelopeOf({ body, nodeUrl }: EntryAnswer): EntryBody {
  try {
    const entry = JSON.parse(decoder.decode(body)) as Partial<EntryBody> | null;
    if (Array.isArray(entry?.siblings) && typeof entry.context === 'string') return entry as EntryBody;
  } catch {
    // Not JSON at all is no envelope either.
  }
  throw new CommandFailure(`${nodeUrl} answered with something that is no entry.`, {
    exitCode: EXIT.failed,
    code: 'bad-response',
    hint: 'Is this the address of a node of the same version?',
  });
}

/** On a terminal a value must not act on the terminal, and the prompt should begin a line; elsewhere it is exact. */
function printValue(context: CommandContext, body: Uint8Array, contentType: string | undefined): void {
  const { stdout, stderr } = context.terminal;
  if (stdout.isTTY !== true) {
    stdout.write(body);
    return;
  }
  const text = utf8TextOf(body);
  if (text === undefined) {
    stderr.write(
      `${body.length} bytes of ${printable(contentType ?? 'no type')}. Send them to a file: > FILE\n`,
    );
    return;
  }
  const lines = text.split('\n').map((line) => line.split('\t').map(printable).join('\t'));
  stdout.write(`${lines.join('\n')}${text.endsWith('\n') ? '' : '\n'}`);
}

function utf8TextOf(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

function liveSiblings(entry: EntryBody): readonly LiveSiblingBody[] {
  return entry.siblings.flatMap((sibling) => ('deleted' in sibling ? [] : [sibling]));
}

function printSiblings(context: CommandContext, name: EntryName, entry: EntryBody): void {
  const { terminal, invocation } = context;
  const live = liveSiblings(entry);
  // What begins with a dash is an option, unless it comes after `--`.
  const isDashed = name.bucket.startsWith('-') || name.key.startsWith('-');
  const words = `${isDashed ? '-- ' : ''}${shellWord(name.bucket)} ${shellWord(name.key)}`;
  const print = (line: string) => terminal.stderr.write(`${line}\n`);
  print(
    `${name.bucket}/${printable(name.key)} holds ${live.length} values that were written concurrently:\n`,
  );
  printTable(
    terminal,
    {
      head: ['sibling', 'written at', 'type', 'value'],
      rows: live.map((sibling) => [sibling.id, sibling.writtenAt, sibling.contentType, preview(sibling)]),
    },
    terminal.stderr,
  );
  print('');
  print(`To see one:  ${invocation} get --sibling ${shellWord(live[0]?.id ?? 'ID')} ${words}`);
  print(`To resolve:  ${invocation} put --context ${shellWord(entry.context)} ${words} VALUE`);
}

function preview(sibling: LiveSiblingBody): string {
  if ('base64' in sibling) return `(${Math.floor((sibling.base64.length * 3) / 4)} bytes)`;
  const text = 'json' in sibling ? JSON.stringify(sibling.json) : sibling.text;
  const characters = [...text];
  return characters.length <= PREVIEW_CHARACTERS
    ? text
    : `${characters.slice(0, PREVIEW_CHARACTERS).join('')}...`;
}
