/** The command line as a function of its arguments and its terminal; main.ts gives it the process. */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../server/version.ts';
import type { CommandContext } from './command-context.ts';
import { addClusterCommand } from './commands/cluster.ts';
import { addConfigCommand } from './commands/config.ts';
import { addDeleteCommand } from './commands/delete.ts';
import { addGetCommand } from './commands/get.ts';
import { addImportCommand } from './commands/import.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addOutcomeCommand } from './commands/outcome.ts';
import { addPutCommands } from './commands/put.ts';
import { addRingCommand } from './commands/ring.ts';
import { addServeCommand } from './commands/serve.ts';
import { addStatusCommand } from './commands/status.ts';
import { EXIT } from './exit-codes.ts';
import { reportFailure, usageFailure } from './failure.ts';

const EXAMPLES = `
Examples:
  quorate cluster                                    all nodes of cluster.config.json on this machine
  quorate put notes hello 'Hello, ring'              store a text
  quorate get notes hello -r 3                       read it, asking three replicas
  quorate put notes hello 'Hi' --context TOKEN       supersede what was read
  quorate cas notes hello 'Hi' --if-match ETAG       write only if it still is what was read
  quorate import cities cities.ndjson --key name     load many records
  quorate inspect notes hello                        what each replica holds

Exit codes: 0 ok, 1 other failures, 2 usage, 3 not found, 4 precondition failed, 5 siblings,
6 too few replicas or no node reachable, 7 outcome of a write unknown, 78 configuration.
`;

/** Runs one command; answers its exit code. `userArguments` are those after the program's name. */
export async function runCommandLine(
  userArguments: readonly string[],
  context: Omit<CommandContext, 'finish'>,
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const { terminal } = context;
  const program = createProgram({
    ...context,
    finish: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync([...userArguments], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    const json = asksForJson(userArguments);
    if (!(thrown instanceof CommanderError)) return reportFailure(thrown, terminal, json);
    // Help and the version end the command this way, too.
    if (thrown.exitCode === 0) return EXIT.ok;
    if (thrown.code === 'commander.help') return EXIT.usage;
    return reportFailure(usageOf(thrown, userArguments[0], program), terminal, json);
  }
}

function createProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.terminal;
  const program = new Command('quorate')
    .description('Quorate: a leaderless, replicated key-value store.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // Errors are printed once, in one form, by reportFailure.
      outputError: () => {},
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .addHelpText('after', EXAMPLES);
  addClusterCommand(program, context);
  addServeCommand(program, context);
  addGetCommand(program, context);
  addPutCommands(program, context);
  addDeleteCommand(program, context);
  addOutcomeCommand(program, context);
  addImportCommand(program, context);
  addStatusCommand(program, context);
  addRingCommand(program, context);
  addInspectCommand(program, context);
  addConfigCommand(program, context);
  return program;
}

function usageOf(error: CommanderError, word: string | undefined, program: Command): Error {
  const command = program.commands.find((candidate) => candidate.name() === word);
  const help = command === undefined ? 'quorate --help' : `quorate ${command.name()} --help`;
  return usageFailure(error.message.replace(/^error: /, ''), `See \`${help}\`.`);
}

/** What follows `--` are values. */
function asksForJson(userArguments: readonly string[]): boolean {
  const end = userArguments.indexOf('--');
  return (end === -1 ? userArguments : userArguments.slice(0, end)).includes('--json');
}
