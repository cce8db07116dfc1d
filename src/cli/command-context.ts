import type { Launch } from './cluster/node-process.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** How to start this command line again, for the nodes of a local cluster. */
  readonly launch: Launch;
  /** As a person would type it, for hints that can be pasted. */
  readonly invocation: string;
  /** Sets an exit code other than 0 where nothing is thrown. */
  finish(exitCode: number): void;
  /** Calls back at SIGINT, SIGTERM and SIGHUP, until the returned function is called. */
  onStopSignal(callback: (signal: string) => void): () => void;
}
