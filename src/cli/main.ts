#!/usr/bin/env node
/** The `quorate` command. */
import { basename, relative } from 'node:path';
import type { CommandContext } from './command-context.ts';
import { runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const script = process.argv[1] ?? 'quorate';

const context: Omit<CommandContext, 'finish'> = {
  terminal: processTerminal(),
  launch: { program: process.execPath, arguments: [...process.execArgv, script] },
  invocation:
    basename(script) === 'quorate'
      ? 'quorate'
      : ['node', ...process.execArgv, relative(process.cwd(), script)].join(' '),
  onStopSignal: (callback) => {
    for (const signal of STOP_SIGNALS) process.on(signal, callback);
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, callback);
    };
  },
};

// A reader that has seen enough (`quorate get ... | head`) closes the pipe; that is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), context);
