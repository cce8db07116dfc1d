import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { withConnection } from '../connection.ts';
import { requestEntry } from '../entry-request.ts';
import { addWriteOptions, printWritten, writeHeaders, type WriteOptions } from '../write-options.ts';

/** `quorate delete BUCKET KEY`. */
export function addDeleteCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('delete')
    .summary('delete a value')
    .description(
      'Deletes what was seen with --context; without it, what is there now. Values written meanwhile remain.',
    )
    .argument('<bucket>')
    .argument('<key>');
  addWriteOptions(command).action(async (bucket: string, key: string, options: WriteOptions) => {
    await withConnection(context.terminal, options, async (connection) => {
      const answer = await requestEntry(connection, {
        method: 'DELETE',
        entry: { bucket, key },
        headers: writeHeaders(options),
        writeId: options.writeId,
      });
      printWritten(context, answer, options, 'deleted');
    });
  });
}
