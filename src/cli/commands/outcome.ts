import type { Command } from 'commander';
import type { OutcomeBody, WriteState } from '../../api/bodies.ts';
import { HEADERS } from '../../api/headers.ts';
import type { CommandContext } from '../command-context.ts';
import { addConnectionOptions, withConnection, type ConnectionOptions } from '../connection.ts';
import { outcomePathOfEntry } from '../entry-name.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { askFirst } from '../node-query.ts';
import { writeId as writeIdArgument } from '../option-values.ts';
import { printJson, printLine, printable } from '../terminal.ts';

interface OutcomeOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** A longer deadline is not taken by a node, milliseconds. */
const MAX_NODE_TIMEOUT_MS = 60_000;

interface Told {
  readonly told: string;
  readonly exitCode: ExitCode;
}

/** Of a newer node. */
const STRANGE: Told = { told: 'this version does not know what that is', exitCode: EXIT.outcomeUnknown };

const STATES: Readonly<Record<WriteState, Told>> & Readonly<Record<string, Told>> = {
  applied: { told: 'it is what the key holds', exitCode: EXIT.ok },
  superseded: { told: 'it was applied, and something came after it', exitCode: EXIT.ok },
  'never-applied': {
    told: 'it was not applied, and as a conditional write it never will be',
    exitCode: EXIT.notFound,
  },
  'too-old': {
    told: 'the key has forgotten too many write ids since to know',
    exitCode: EXIT.outcomeUnknown,
  },
};

/** `quorate outcome BUCKET KEY WRITE_ID`: what became of a write whose outcome was unknown. */
export function addOutcomeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('outcome')
    .summary('tell what became of a write')
    .description(
      'Tells what became of a write whose outcome was unknown. Exit code 0 if it was applied, 3 if it never was (and if it was a conditional one, never will be), 7 if that is not known any more.',
    )
    .argument('<bucket>')
    .argument('<key>')
    .argument('<write-id>', 'the id of the write, which its failure has told', writeIdArgument);
  addConnectionOptions(command)
    .option('--json', 'print as JSON')
    .action(async (bucket: string, key: string, writeId: string, options: OutcomeOptions) => {
      await withConnection(context.terminal, options, async (connection) => {
        const timeoutMs = Math.min(MAX_NODE_TIMEOUT_MS, connection.timeoutMs);
        const { document } = await askFirst<OutcomeBody>({
          ...connection,
          path: outcomePathOfEntry({ bucket, key }, writeId),
          headers: { [HEADERS.timeoutMs]: String(timeoutMs) },
          fields: ['writeId', 'state'],
        });
        const { state, etag } = document;
        const { told, exitCode } = STATES[state] ?? STRANGE;
        if (options.json === true) {
          printJson(context.terminal, document);
        } else {
          printLine(context.terminal, `${state}: ${told}`);
          if (etag !== undefined) printLine(context.terminal, `etag: ${printable(etag)}`);
        }
        context.finish(exitCode);
      });
    });
}
