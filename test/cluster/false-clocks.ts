/**
 * Nodes whose wall clocks jump, by libfaketime (Debian's `libfaketime`): what a process asks the time is moved by what its own file
 * says at that moment. Its monotonic clock stays true, as it does where an administrator or a time service sets the clock.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
];

export class FalseClocks {
  readonly #library: string;
  readonly #directory: string;

  constructor(library: string, directory: string) {
    this.#library = library;
    this.#directory = directory;
  }

  /** For a node that is started. */
  environmentOf(node: string): Readonly<Record<string, string>> {
    this.set(node, 0);
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#fileOf(node),
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_CACHE_DURATION: '1',
    };
  }

  /** By how many seconds its clock is ahead, within a second from now. */
  set(node: string, seconds: number): void {
    writeFileSync(this.#fileOf(node), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  close(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  #fileOf(node: string): string {
    return join(this.#directory, node);
  }
}

/** Undefined where there is no libfaketime. */
export async function falseClocks(): Promise<FalseClocks | undefined> {
  const library = LIBRARIES.find((path) => existsSync(path));
  return library === undefined
    ? undefined
    : new FalseClocks(library, await mkdtemp(join(tmpdir(), 'quorate-clocks-')));
}
