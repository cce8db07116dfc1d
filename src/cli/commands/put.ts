import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { withConnection } from '../connection.ts';
import { requestEntry } from '../entry-request.ts';
import { usageFailure } from '../failure.ts';
import { contentType as contentTypeOption } from '../option-values.ts';
import { readValue, type ValueOptions } from '../value-input.ts';
import { addWriteOptions, printWritten, writeHeaders, type WriteOptions } from '../write-options.ts';

type PutOptions = WriteOptions & ValueOptions;

/** `quorate put BUCKET KEY VALUE`, and `quorate cas`, which is a put that must be conditional. */
export function addPutCommands(program: Command, context: CommandContext): void {
  const put = async (bucket: string, key: string, value: string | undefined, options: PutOptions) => {
    const { bytes, contentType } = await readValue(context.terminal, value, options);
    await withConnection(context.terminal, options, async (connection) => {
      const answer = await requestEntry(connection, {
        method: 'PUT',
        entry: { bucket, key },
        headers: { ...writeHeaders(options), 'content-type': contentType },
        body: bytes,
        writeId: options.writeId,
      });
      printWritten(context, answer, options, answer.status === 201 ? 'created' : 'stored');
    });
  };
  addPutArguments(
    program
      .command('put')
      .summary('store a value')
      .description(
        'Stores a value. With --context it supersedes what was seen; without, a value that is there becomes a sibling.',
      ),
  ).action(put);
  addPutArguments(
    program
      .command('cas')
      .summary('store a value if the entry is as expected')
      .description('Compare-and-set: stores a value only if the entry still has an ETag, or holds nothing.'),
  ).action(async (bucket: string, key: string, value: string | undefined, options: PutOptions) => {
    if (options.ifMatch === undefined && options.ifNoneMatch !== true) {
      throw usageFailure(
        'cas needs a condition.',
        'Give --if-match ETAG (`quorate get -v` shows it) or --if-absent.',
      );
    }
    await put(bucket, key, value, options);
  });
}

function addPutArguments(command: Command): Command {
  return addWriteOptions(
    command.argument('<bucket>').argument('<key>').argument('[value]', 'the value; - or nothing reads stdin'),
  )
    .option('--file <path>', 'read the value from a file')
    .option(
      '--content-type <type>',
      'default: text/plain for a VALUE, application/octet-stream for stdin and --file',
      contentTypeOption,
    )
    .option('--json-value', 'the value is JSON: checked, and stored as application/json');
}
