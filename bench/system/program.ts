/**
 * One of the bench's own programs as a process. It runs in a process group of its own, so that Ctrl-C reaches only the
 * bench, which then ends it in order; and it ends by itself when the channel to the bench closes.
 */
import { fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';

/** A running program. */
export interface Program {
  readonly pid: number;
  send(message: Serializable): void;
  /** Rejects if the program ends before it says something. */
  nextMessage(): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts a TypeScript file the way this process was started (tsx hands its loader on in the arguments of Node.js). */
export function startProgram(file: URL): Program {
  const child = fork(file, { detached: true });
  const ended = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file.pathname} could not be started`);
  return {
    pid,
    send: (message) => {
      child.send(message);
    },
    nextMessage: async () => {
      const message = once(child, 'message').then(([first]) => first as unknown);
      return Promise.race([message, ended.then(() => Promise.reject(endedEarly(file)))]);
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function endedEarly(file: URL): Error {
  return new Error(`${file.pathname.split('/').at(-1)} ended before it answered`);
}
